"""Rules on calls, and what happens when one comes true.

`rules` and `rule_file` hold what people write, `engine` evaluates it event by event, `service`
runs it beside a live engine and passes alerts on: to the screen, the desktop, and webhooks, whose
messages wait in an outbox in the library until they are delivered. `dry_run` tries rules on what
was recorded.
"""
