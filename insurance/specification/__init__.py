"""The platform's transactions as data, and the code that reads and checks them."""
