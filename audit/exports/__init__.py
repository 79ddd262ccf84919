"""Export jobs: a file of any size of a view of the log, made in the background.

What a file holds is settled when it is asked for: the events of the filter that were committed by
then, which never change (`bounds`). It is written in parts, each recorded with the key of its last
row in the transaction that renews the worker's lease (`work`), so that a worker that is killed
leaves at most a file that nobody names. A download is the parts one after the other.
"""
