"""pi by the midpoint rule over all ranks; rank 0 prints it. Argument: number of intervals."""
import sys

from mpi4py import MPI

comm = MPI.COMM_WORLD
intervals = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
partial = 0.0
for i in range(comm.rank, intervals, comm.size):
    x = (i + 0.5) / intervals
    partial += 4.0 / (1.0 + x * x)
pi = comm.reduce(partial / intervals, op=MPI.SUM, root=0)
hosts = comm.gather(MPI.Get_processor_name(), root=0)
if comm.rank == 0:
    print(f"pi={pi:.10f} ranks={comm.size} hosts={','.join(hosts)}", flush=True)
