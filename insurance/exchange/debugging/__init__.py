"""接口调试: any outbound transaction from a form drawn by its table, checked, sent through the ledger, remembered.

- `state.py` what a form holds, how it becomes a message and back; `posting.py` the names of its inputs;
  `jsontext.py` the same message as JSON; `drawing.py` what the templates show; `example.py` a made-up message
- `judging.py` the check, each problem at its input; `rules.py` who may send what where; `registry.py` whose form it is
- `models.py` drafts and sends; `drafting.py` and `sending.py` everything that changes them; `standing.py` what became
  of a send; `approval.py` the exception that needs two persons; `tasks.py` asking in a worker; `wide.py` large forms
"""
