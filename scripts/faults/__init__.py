"""The faults of `scripts/fault_harness.py`, by kind.

study     a small real study, run by the command line in processes of its own
kills     SIGKILL of a run or of one of its workers
cluster   SIGKILL of a Dask scheduler, of one of its workers, or of the run that uses them
files     flipped, truncated and newer files
disk      a full disk, a read-only one, and single reads and writes that fail
together  two runs at once in one folder
clock     clocks that go backwards, times of files in the future
memory    workers whose memory is limited while they run
shim      the program that runs mattomo on a faulty disk or with a faulty clock
"""
