"""Whether an agent's emotions may be inferred: what an organisation or a person decided.

Every decision is written to the audit log of the library (`session.audit_log`) before it holds.
"""
