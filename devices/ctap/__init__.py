"""The authenticator of a security key: CTAP2 and CTAP1/U2F without any I/O.

`Authenticator` takes requests and events and gives answers and deadlines; `load_model` reads what
kind of key it is, a `Storage` keeps what survives power, `Faults` says what is wrong with it.
"""

from mfalab.devices.ctap.authenticator import Authenticator as Authenticator
from mfalab.devices.ctap.authenticator import NoPower as NoPower
from mfalab.devices.ctap.commands import Capability as Capability
from mfalab.devices.ctap.commands import Command as Command
from mfalab.devices.ctap.commands import KeepaliveStatus as KeepaliveStatus
from mfalab.devices.ctap.commands import Prompt as Prompt
from mfalab.devices.ctap.commands import Transport as Transport
from mfalab.devices.ctap.faults import NO_FAULTS as NO_FAULTS
from mfalab.devices.ctap.faults import Faults as Faults
from mfalab.devices.ctap.faults import Lapse as Lapse
from mfalab.devices.ctap.model import Model as Model
from mfalab.devices.ctap.model import load_model as load_model
from mfalab.devices.ctap.model import model_names as model_names
from mfalab.devices.ctap.status import CtapError as CtapError
from mfalab.devices.ctap.status import CtapStatus as CtapStatus
from mfalab.devices.ctap.storage import FileStorage as FileStorage
from mfalab.devices.ctap.storage import MemoryStorage as MemoryStorage
from mfalab.devices.ctap.storage import PowerCut as PowerCut
from mfalab.devices.ctap.storage import Storage as Storage
from mfalab.devices.ctap.transaction import Transaction as Transaction
