"""A rig without hardware: its camera reads a simulated fob, behind a terminal that it links to.

Runs a command while the rig is there.

    $ python simulated_rig.py mfalab run -v on_the_rig.scenario.yaml --lab lab.yaml
"""

import subprocess
import sys
from pathlib import Path
from threading import Thread

from mfalab.devices.otp.seed_csv import read_seed_csv
from mfalab.devices.otp.token import HardwareToken
from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.fittings import TokenDisplay
from mfalab.devices.rig.ptys import PtyBoard
from mfalab.devices.schedule import WallTime
from mfalab.devices.transports.sockets import serve
from mfalab.simulator.clocks import ServerClock, WallClock

time = WallTime(WallClock())
(made,) = read_seed_csv(Path("fobs.csv").read_text())
# Up to 30 s slow: its time step begins now, so none ends between two readings.
slow = ServerClock(time, offset_ns=-(time.now_ns() % (30 * 10**9)))
fob = HardwareToken(made.serial, made.seed, clock=slow)
rig = PtyBoard(SimulatedBoard(time, display=[TokenDisplay(fob)]), Path("rig.tty"))
controls = {"control": None, "on_line": bool}  # nothing but the rig's terminal is read
Thread(target=serve, args=([rig], time), kwargs=controls, daemon=True).start()
try:
    sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)
finally:
    rig.close()
