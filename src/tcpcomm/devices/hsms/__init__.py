"""
HSMS and SECS-II with the basics of GEM: :class:`Gem`, its simulator :class:`GemTool`, and :class:`Hsms`.

::

    tool = remote(Gem, at="tcp:10.0.0.5:5000")       # awaits; tcpcomm.blocking has the same
    print(await tool.status([1, 2]))
    serve(GemTool(), at="tcp:5000:interface=127.0.0.1")
"""

from tcpcomm.devices.hsms.codec import SecsMessages as SecsMessages
from tcpcomm.devices.hsms.forms import Code as Code
from tcpcomm.devices.hsms.gem import Commanded as Commanded
from tcpcomm.devices.hsms.gem import Established as Established
from tcpcomm.devices.hsms.gem import Gem as Gem
from tcpcomm.devices.hsms.gem import GemHost as GemHost
from tcpcomm.devices.hsms.session import Hsms as Hsms
from tcpcomm.devices.hsms.session import HsmsHost as HsmsHost
from tcpcomm.devices.hsms.tool import GemTool as GemTool
from tcpcomm.devices.hsms.values import BOOLEAN as BOOLEAN
from tcpcomm.devices.hsms.values import C2 as C2
from tcpcomm.devices.hsms.values import F4 as F4
from tcpcomm.devices.hsms.values import F8 as F8
from tcpcomm.devices.hsms.values import I1 as I1
from tcpcomm.devices.hsms.values import I2 as I2
from tcpcomm.devices.hsms.values import I4 as I4
from tcpcomm.devices.hsms.values import I8 as I8
from tcpcomm.devices.hsms.values import U1 as U1
from tcpcomm.devices.hsms.values import U2 as U2
from tcpcomm.devices.hsms.values import U4 as U4
from tcpcomm.devices.hsms.values import U8 as U8
from tcpcomm.devices.hsms.values import Array as Array
from tcpcomm.devices.hsms.values import J as J
from tcpcomm.devices.hsms.values import Value as Value
from tcpcomm.devices.hsms.values import decode as decode
from tcpcomm.devices.hsms.values import encode as encode
