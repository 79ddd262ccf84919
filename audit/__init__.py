"""What happened: the append-only event log, its views and exports.

An *event* (`models.AuditEvent`) says who did what to which token, when, and whether it succeeded.
It is written in one place, `services.record_event`, in the same transaction as the change that it
describes. It cannot change: the database refuses UPDATE, DELETE and TRUNCATE on its table
(`append_only`), and the seal (`seal`, `tiles`) finds whoever gets around that; with the signed
`checkpoints` and `proofs` a stranger can tell too. `events` lists every name an event can have.
Everything else here is a view: a filter and a serializer.
"""
