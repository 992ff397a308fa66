"""A Slurm of one node, from Debian's packages: started without systemd, stopped without a trace."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = ("slurm-wlm", "munge")
CONFIGURATION = Path("/etc/slurm")  # a job's own `srun` looks here, whatever SLURM_CONF says
PATIENCE = 60  # seconds
SLURM = """\
ClusterName=ivyspt
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# no cgroups in a container; memory is watched by sampling, and a job that takes more than it asked for is killed
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1
GresTypes=gpu
MinJobAge=3600
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:pretended:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=06:00:00 State=UP
"""


def unavailable() -> str | None:
    """Why no Slurm can be had here; None where it can."""
    if os.geteuid() != 0:
        return "Slurm's daemons need root"
    if shutil.which("apt-get") is None:
        return "Slurm is installed by apt-get, which is not here"
    known = CONFIGURATION / "slurm.conf"
    if known.exists() and not known.read_text().startswith(SLURM.splitlines()[0]):  # else a killed test has left it
        return f"this machine has a Slurm of its own in {CONFIGURATION}"
    return None


def install() -> str | None:
    """Install Debian's packages, unless they are there; what apt-get said where it could not, None where it could."""
    if all(shutil.which(command) for command in ("slurmctld", "slurmd", "munged")):
        return None
    unasked = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", "-qq", *command], env=unasked, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"apt-get {command[0]} failed: {done.stderr.strip()[-300:]}"
    return None


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """A Slurm whose files lie in `folder`, with this machine's cores and memory and one GPU that is none."""
    host = socket.gethostname().split(".")[0]
    memory = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20 * 0.9)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    CONFIGURATION.mkdir(exist_ok=True)
    (CONFIGURATION / "slurm.conf").write_text(
        SLURM.format(host=host, folder=folder, cores=os.cpu_count(), memory=memory)
    )
    (CONFIGURATION / "gres.conf").write_text("Name=gpu Type=pretended File=/dev/zero\n")
    files = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    try:
        subprocess.run(["munged", "--force", f"--socket={folder}/munge.socket", *files], check=True)
        subprocess.run(["slurmctld"], check=True)
        subprocess.run(["slurmd"], check=True)
        _wait_until_idle(folder)
        yield
    finally:
        for daemon in ("slurmd", "slurmctld", "munge"):
            _stop(folder / f"{daemon}.pid")
        for name in ("slurm.conf", "gres.conf"):
            (CONFIGURATION / name).unlink()


def _wait_until_idle(folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        said = subprocess.run(["sinfo", "--noheader", "--format=%t"], capture_output=True, text=True, check=False)
        if said.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    logs = "\n".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
    raise RuntimeError(f"Slurm must be idle within {PATIENCE} s, got\n{said.stdout}{said.stderr}\n{logs}")


def _stop(file: Path) -> None:
    """End a daemon by its pid file and wait for it."""
    if not file.exists():
        return
    pid = int(file.read_text())
    end = time.monotonic() + PATIENCE
    wanted = signal.SIGTERM
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        os.kill(pid, wanted)
        wanted = 0  # asks only whether it lives
        time.sleep(0.2)


def jobs() -> dict[str, list[dict[str, str]]]:
    """What Slurm knows of every job, in the order of submission, by the comment that says rule and wildcards."""
    listed = subprocess.run(["scontrol", "show", "job", "--oneliner"], capture_output=True, text=True, check=True)
    by_comment = defaultdict(list)
    for line in listed.stdout.splitlines():
        record = dict(re.findall(r"(\S+?)=(\S*)", line))
        by_comment[record.get("Comment", "")].append(record)
    return dict(by_comment)
