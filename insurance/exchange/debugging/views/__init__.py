"""Views of 接口调试: who may, which rows, call the service, answer."""
