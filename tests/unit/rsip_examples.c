/* rsip_examples.c - RSIP messages as the RFCs print them, beside their bytes (from tests/peer/rsip.py, not from proto/) */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "tests/unit/rsip_examples.h"

const struct rsip_example rsip_examples[] = {
	/* RFC 3103 Appendix C, in its order; 16.2 and 16.3
	 * begin as 16.1 does. */
	{ "16.1", "REGISTER_REQUEST",
	    "",
	    "01 02 0004" },
	{ "16.1", "REGISTER_RESPONSE",
	    "Client ID = 1, Local Flow Policy = Macro, Remote Flow policy = "
	    "None, Lease Time = 600",
	    "01 03 0017  04 0004 00000001  03 0004 00000258  09 0002 01 03" },
	{ "16.1", "ASSIGN_REQUEST_RSAP-IP",
	    "Client ID = 1, Address (local) = 0, Ports (local) = 4-0, Address "
	    "(remote) = 0, Ports (remote) = 0, Lease Time = 3600",
	    "01 08 0022  04 0004 00000001  01 0001 01  02 0001 04"
	    "  01 0001 01  02 0001 01  03 0004 00000e10" },
	{ "16.1", "ASSIGN_RESPONSE_RSAP-IP",
	    "Client ID = 1, Bind ID = 1, Address (local) = 149.112.240.156, "
	    "Ports (local) = 4-1234, Address (remote) = 0, Ports (remote) = "
	    "0, Lease Time = 1800, Tunnel Type = IP-IP",
	    "01 09 0033  04 0004 00000001  05 0004 00000001"
	    "  01 0005 01 9570f09c  02 0003 04 04d2  01 0001 01  02 0001 01"
	    "  03 0004 00000708  06 0001 01" },
	{ "16.1", "QUERY_REQUEST",
	    "Client ID = 1, Indicator = network, Address (network) = "
	    "10.20.60.0, Address (netmask) = 255.255.255.0",
	    "01 0e 0020  04 0004 00000001  0a 0002 0002  01 0005 01 0a143c00"
	    "  01 0005 02 ffffff00" },
	{ "16.1", "QUERY_RESPONSE",
	    "Client ID = 1, Indicator = network, Address (network) = "
	    "10.20.60.0, Address (netmask) = 255.255.255.0",
	    "01 0f 0020  04 0004 00000001  0a 0002 0002  01 0005 01 0a143c00"
	    "  01 0005 02 ffffff00" },
	{ "16.1", "ASSIGN_REQUEST_RSAP-IP",
	    "Client ID = 1, Address (local) = 149.112.240.156, Ports (local) "
	    "= 8-1238, Address (remote) = 0, Ports (remote) = 0, Lease Time = "
	    "1800",
	    "01 08 0028  04 0004 00000001  01 0005 01 9570f09c"
	    "  02 0003 08 04d6  01 0001 01  02 0001 01  03 0004 00000708" },
	/* Printed without <Tunnel Type>, which §9.9.2 requires. */
	{ "16.1", "ASSIGN_RESPONSE_RSAP-IP",
	    "Client ID = 1, Bind ID = 2, Address (local) = 149.112.240.156, "
	    "Ports (local) = 8-1305, Address (remote) = 0, Ports (remote) = "
	    "0, Lease Time = 1800, Tunnel Type = IP-IP",
	    "01 09 0033  04 0004 00000001  05 0004 00000002"
	    "  01 0005 01 9570f09c  02 0003 08 0519  01 0001 01  02 0001 01"
	    "  03 0004 00000708  06 0001 01" },
	{ "16.1", "FREE_REQUEST",
	    "Client ID = 1, Bind ID = 1",
	    "01 0c 0012  04 0004 00000001  05 0004 00000001" },
	{ "16.1", "FREE_RESPONSE",
	    "Client ID = 1, Bind ID = 1",
	    "01 0d 0012  04 0004 00000001  05 0004 00000001" },
	{ "16.1", "EXTEND_REQUEST",
	    "Client ID = 1, Bind ID = 2, Lease Time = 1800",
	    "01 0a 0019  04 0004 00000001  05 0004 00000002"
	    "  03 0004 00000708" },
	{ "16.1", "EXTEND_RESPONSE",
	    "Client ID = 1, Bind ID = 2, Lease Time = 1800",
	    "01 0b 0019  04 0004 00000001  05 0004 00000002"
	    "  03 0004 00000708" },
	{ "16.1", "FREE_RESPONSE",
	    "Client ID = 1, Bind ID = 2",
	    "01 0d 0012  04 0004 00000001  05 0004 00000002" },
	{ "16.1", "DE-REGISTER_REQUEST",
	    "Client ID = 1",
	    "01 04 000b  04 0004 00000001" },
	{ "16.1", "DE-REGISTER_RESPONSE",
	    "Client ID = 1",
	    "01 05 000b  04 0004 00000001" },
	{ "16.2", "REGISTER_RESPONSE",
	    "Client ID = 5, Local Flow Policy = Micro, Remote Flow policy = "
	    "Micro, RSIP Method = RSAP-IP, RSIP Method = RSA-IP, Tunnel Type "
	    "= IP-IP, Tunnel Type = GRE, Lease Time = 600",
	    "01 03 0027  04 0004 00000005  03 0004 00000258  09 0002 02 02"
	    "  07 0001 02  07 0001 01  06 0001 01  06 0001 02" },
	{ "16.2", "ASSIGN_REQUEST_RSAP-IP",
	    "Client ID = 5, Address (local) = 0, Ports (local) = 0, Address "
	    "(remote) = 38.196.73.6, Ports (remote) = 21, Lease Time = 600, "
	    "Tunnel Type = IP-IP",
	    "01 08 002c  04 0004 00000005  01 0001 01  02 0001 01"
	    "  01 0005 01 26c44906  02 0003 01 0015  03 0004 00000258"
	    "  06 0001 01" },
	{ "16.2", "ASSIGN_RESPONSE_RSAP-IP",
	    "Client ID = 5, Bind ID = 1, Address (local) = 149.112.240.156, "
	    "Ports (local) = 2049, Address (remote) = 38.196.73.6, Ports "
	    "(remote) = 21, Lease Time = 600, Tunnel Type = IP-IP",
	    "01 09 0039  04 0004 00000005  05 0004 00000001"
	    "  01 0005 01 9570f09c  02 0003 01 0801  01 0005 01 26c44906"
	    "  02 0003 01 0015  03 0004 00000258  06 0001 01" },
	{ "16.2", "LISTEN_REQUEST",
	    "Client ID = 5, Address (local) = 149.112.240.156, Ports (local) "
	    "= 2050, Address (remote) = 38.196.73.6, Ports (remote) = 20",
	    "01 10 0027  04 0004 00000005  01 0005 01 9570f09c"
	    "  02 0003 01 0802  01 0005 01 26c44906  02 0003 01 0014" },
	/* Printed without <Bind ID>, which §9.17.2 requires. */
	{ "16.2", "LISTEN_RESPONSE",
	    "Client ID = 5, Bind ID = 2, Address (local) = 149.112.240.156, "
	    "Ports (local) = 2050, Address (remote) = 38.196.73.6, Ports "
	    "(remote) = 20, Lease Time = 600, Tunnel Type = IP-IP",
	    "01 11 0039  04 0004 00000005  05 0004 00000002"
	    "  01 0005 01 9570f09c  02 0003 01 0802  01 0005 01 26c44906"
	    "  02 0003 01 0014  06 0001 01  03 0004 00000258" },
	{ "16.2", "DE-REGISTER_REQUEST",
	    "Client ID = 5",
	    "01 04 000b  04 0004 00000005" },
	{ "16.2", "DE-REGISTER_RESPONSE",
	    "Client ID = 5",
	    "01 05 000b  04 0004 00000005" },
	{ "16.3", "REGISTER_RESPONSE",
	    "Client ID = 3, Local Flow Policy = Macro, Remote Flow policy = "
	    "Macro, RSIP Method = RSAP-IP, RSIP Method = RSA-IP, Tunnel Type "
	    "= IP-IP, Tunnel Type = L2TP, Lease Time = 600",
	    "01 03 0027  04 0004 00000003  03 0004 00000258  09 0002 01 01"
	    "  07 0001 02  07 0001 01  06 0001 01  06 0001 03" },
	{ "16.3", "ASSIGN_REQUEST_RSA-IP",
	    "Client ID = 3, Address (local) = 0, Address (remote) = "
	    "www.foo.com, Ports (remote) = 0, Lease Time = 3600, Tunnel Type "
	    "= IP-IP",
	    "01 06 002d  04 0004 00000003  01 0001 01"
	    "  01 000c 04 7777772e666f6f2e636f6d  02 0001 01  03 0004 00000e10"
	    "  06 0001 01" },
	{ "16.3", "ERROR_RESPONSE",
	    "Error = REMOTE_ADDR_UNALLOWED, Client ID = 3",
	    "01 01 0010  08 0002 013a  04 0004 00000003" },
	{ "16.3", "ASSIGN_REQUEST_RSA-IP",
	    "Client ID = 3, Address (local) = 0, Address (remote) = "
	    "www.bar.com, Ports (remote) = 0, Lease Time = 3600, Tunnel Type "
	    "= IP-IP",
	    "01 06 002d  04 0004 00000003  01 0001 01"
	    "  01 000c 04 7777772e6261722e636f6d  02 0001 01  03 0004 00000e10"
	    "  06 0001 01" },
	{ "16.3", "ASSIGN_RESPONSE_RSA-IP",
	    "Client ID = 3, Bind ID = 1, Address (local) = 149.112.240.17, "
	    "Address (remote) = www.bar.com, Ports (remote) = 0, Lease Time = "
	    "3600, Tunnel Type = IP-IP",
	    "01 07 0038  04 0004 00000003  05 0004 00000001"
	    "  01 0005 01 9570f011  01 000c 04 7777772e6261722e636f6d"
	    "  02 0001 01  03 0004 00000e10  06 0001 01" },
	{ "16.3", "DE-REGISTER_REQUEST",
	    "Client ID = 3",
	    "01 04 000b  04 0004 00000003" },
	{ "16.3", "DE-REGISTER_RESPONSE",
	    "Client ID = 3",
	    "01 05 000b  04 0004 00000003" },
	/* RFC 3104 §6.2 has formats, but no examples: every form of them. */
	{ "3104-6.2", "REGISTER_RESPONSE",
	    "Client ID = 7, Local Flow Policy = Macro, Remote Flow policy = "
	    "None, RSIP Method = RSAP-IP, RSIP Method = RSIPSEC, Tunnel Type "
	    "= IP-IP, Lease Time = 600",
	    "01 03 0023  04 0004 00000007  03 0004 00000258  09 0002 01 03"
	    "  07 0001 02  07 0001 03  06 0001 01" },
	{ "3104-6.2", "ASSIGN_REQUEST_RSIPSEC",
	    "Client ID = 7, Address (local) = 0, Ports (local) = none, "
	    "Address (remote) = 0, Ports (remote) = none, SPI = 1-0xc0ffee00",
	    "01 16 0022  04 0004 00000007  01 0001 01  02 0000  01 0001 01"
	    "  02 0000  16 0006 0001 c0ffee00" },
	{ "3104-6.2", "ASSIGN_REQUEST_RSIPSEC",
	    "Client ID = 7, Address (local) = 0, Ports (local) = none, "
	    "Address (remote) = 0, Ports (remote) = none, SPI = 4-0",
	    "01 16 001e  04 0004 00000007  01 0001 01  02 0000  01 0001 01"
	    "  02 0000  16 0002 0004" },
	{ "3104-6.2", "ASSIGN_RESPONSE_RSIPSEC",
	    "Client ID = 7, Bind ID = 1, Address (local) = 198.51.100.1, "
	    "Ports (local) = none, Address (remote) = 0, Ports (remote) = "
	    "none, SPI = 4-0x80001000, Lease Time = 600, Tunnel Type = IP-IP",
	    "01 17 0038  04 0004 00000007  05 0004 00000001"
	    "  01 0005 01 c6336401  02 0000  01 0001 01  02 0000"
	    "  16 0006 0004 80001000  03 0004 00000258  06 0001 01" },
	{ "3104-6.2", "ASSIGN_REQUEST_RSIPSEC",
	    "Message Counter = 3, Client ID = 7, Address (local) = "
	    "198.51.100.1, Ports (local) = 16-20000, Address (remote) = "
	    "198.51.100.10, Ports (remote) = 80, SPI = "
	    "2-0xc0ffee01-0x0badcafe, Lease Time = 1200, Tunnel Type = GRE",
	    "01 16 0046  04 0004 00000007  01 0005 01 c6336401"
	    "  02 0003 10 4e20  01 0005 01 c633640a  02 0003 01 0050"
	    "  16 000a 0002 c0ffee01 0badcafe  0b 0004 00000003"
	    "  03 0004 000004b0  06 0001 02" },
	{ "3104-6.2", "ASSIGN_RESPONSE_RSIPSEC",
	    "Message Counter = 3, Client ID = 7, Bind ID = 2, Address (local) "
	    "= 198.51.100.1, Ports (local) = 16-20000, Address (remote) = "
	    "198.51.100.10, Ports (remote) = 80, SPI = "
	    "2-0xc0ffee01-0x0badcafe, Lease Time = 1200, Tunnel Type = GRE, "
	    "Address (tunnel endpoint) = 10.0.0.2",
	    "01 17 0055  04 0004 00000007  05 0004 00000002"
	    "  01 0005 01 c6336401  02 0003 10 4e20  01 0005 01 c633640a"
	    "  02 0003 01 0050  16 000a 0002 c0ffee01 0badcafe"
	    "  03 0004 000004b0  06 0001 02  01 0005 01 0a000002"
	    "  0b 0004 00000003" },
	{ "3104-6.2", "ERROR_RESPONSE",
	    "Error = IPSEC_UNALLOWED, Client ID = 7",
	    "01 01 0010  08 0002 0191  04 0004 00000007" },
	{ "3104-6.2", "ERROR_RESPONSE",
	    "Error = IPSEC_SPI_UNAVAILABLE, Client ID = 7",
	    "01 01 0010  08 0002 0192  04 0004 00000007" },
	{ "3104-6.2", "ERROR_RESPONSE",
	    "Error = IPSEC_SPI_INUSE, Message Counter = 4, Client ID = 7, "
	    "Bind ID = 2",
	    "01 01 001e  08 0002 0193  0b 0004 00000004  04 0004 00000007"
	    "  05 0004 00000002" },
	/* Every message with all that it may carry, and ours (doc/wire.md). */
	{ "all", "ERROR_RESPONSE",
	    "Error = REGISTER_FIRST, Message Counter = 4294967295, Client ID "
	    "= 7, Bind ID = 2, Auth = 9-17-34-1, Floor = 5",
	    "01 01 0060  08 0002 012d  0b 0004 ffffffff  04 0004 00000007"
	    "  05 0004 00000002"
	    "  0c 000c 7ed9 0004 0000000000000005"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000001"
	    "   00000000000000000000000000000000" },
	{ "all", "REGISTER_REQUEST",
	    "Message Counter = 1, Host = x1.lab, Auth = 9-17-34-2",
	    "01 02 004b  0b 0004 00000001  0c 000a 7ed9 0003 78312e6c6162"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000002"
	    "   00000000000000000000000000000000" },
	{ "all", "REGISTER_RESPONSE",
	    "Message Counter = 1, Client ID = 7, Local Flow Policy = Macro, "
	    "Remote Flow policy = None, Lease Time = 600, RSIP Method = "
	    "RSA-IP, RSIP Method = RSAP-IP, RSIP Method = RSIPSEC, Tunnel "
	    "Type = IP-IP, Tunnel Type = GRE, Auth = 9-17-34-3",
	    "01 03 0065  04 0004 00000007  03 0004 00000258  09 0002 01 03"
	    "  0b 0004 00000001  07 0001 01  07 0001 02  07 0001 03"
	    "  06 0001 01  06 0001 02"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000003"
	    "   00000000000000000000000000000000" },
	{ "all", "DE-REGISTER_REQUEST",
	    "Message Counter = 2, Client ID = 7, Auth = 9-17-34-4",
	    "01 04 0045  04 0004 00000007  0b 0004 00000002"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000004"
	    "   00000000000000000000000000000000" },
	{ "all", "DE-REGISTER_RESPONSE",
	    "Message Counter = 0, Client ID = 7, Auth = 9-17-34-5",
	    "01 05 0045  04 0004 00000007  0b 0004 00000000"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000005"
	    "   00000000000000000000000000000000" },
	{ "all", "ASSIGN_REQUEST_RSA-IP",
	    "Message Counter = 3, Client ID = 7, Address (local) = "
	    "198.51.100.2, Address (remote) = 2001:db8::1, Ports (remote) = "
	    "3-80-443-8080, Lease Time = 60, Tunnel Type = GRE, Auth = "
	    "9-17-34-6",
	    "01 06 0076  04 0004 00000007  01 0005 01 c6336402"
	    "  01 0011 03 20010db8000000000000000000000001"
	    "  02 0007 03 0050 01bb 1f90  0b 0004 00000003  03 0004 0000003c"
	    "  06 0001 02"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000006"
	    "   00000000000000000000000000000000" },
	{ "all", "ASSIGN_RESPONSE_RSA-IP",
	    "Message Counter = 3, Client ID = 7, Bind ID = 1, Address (local) "
	    "= 198.51.100.2, Address (remote) = 2001:db8::1, Ports (remote) = "
	    "3-80-443-8080, Lease Time = 60, Tunnel Type = GRE, Address "
	    "(tunnel endpoint) = 10.0.0.2, Auth = 9-17-34-7",
	    "01 07 0085  04 0004 00000007  05 0004 00000001"
	    "  01 0005 01 c6336402"
	    "  01 0011 03 20010db8000000000000000000000001"
	    "  02 0007 03 0050 01bb 1f90  03 0004 0000003c  06 0001 02"
	    "  01 0005 01 0a000002  0b 0004 00000003"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000007"
	    "   00000000000000000000000000000000" },
	{ "all", "ASSIGN_REQUEST_RSAP-IP",
	    "Message Counter = 4, Client ID = 7, Address (local) = "
	    "198.51.100.1, Ports (local) = 3-20000-20002-30000, Address "
	    "(remote) = www.y1.lab, Ports (remote) = 443, Lease Time = 60, "
	    "Tunnel Type = IP-IP, Auth = 9-17-34-8",
	    "01 08 0076  04 0004 00000007  01 0005 01 c6336401"
	    "  02 0007 03 4e20 4e22 7530  01 000b 04 7777772e79312e6c6162"
	    "  02 0003 01 01bb  0b 0004 00000004  03 0004 0000003c  06 0001 01"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000008"
	    "   00000000000000000000000000000000" },
	{ "all", "ASSIGN_RESPONSE_RSAP-IP",
	    "Message Counter = 4, Client ID = 7, Bind ID = 2, Address (local) "
	    "= 198.51.100.1, Ports (local) = 3-20000-20002-30000, Address "
	    "(remote) = www.y1.lab, Ports (remote) = 443, Lease Time = 60, "
	    "Tunnel Type = IP-IP, Address (tunnel endpoint) = 10.0.0.2, Auth "
	    "= 9-17-34-9",
	    "01 09 0085  04 0004 00000007  05 0004 00000002"
	    "  01 0005 01 c6336401  02 0007 03 4e20 4e22 7530"
	    "  01 000b 04 7777772e79312e6c6162  02 0003 01 01bb"
	    "  03 0004 0000003c  06 0001 01  01 0005 01 0a000002"
	    "  0b 0004 00000004"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000009"
	    "   00000000000000000000000000000000" },
	{ "all", "EXTEND_REQUEST",
	    "Message Counter = 5, Client ID = 7, Bind ID = 2, Lease Time = "
	    "86400, Auth = 9-17-34-10",
	    "01 0a 0053  04 0004 00000007  05 0004 00000002"
	    "  03 0004 00015180  0b 0004 00000005"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 000000000000000a"
	    "   00000000000000000000000000000000" },
	{ "all", "EXTEND_RESPONSE",
	    "Message Counter = 5, Client ID = 7, Bind ID = 2, Lease Time = "
	    "3600, Auth = 9-17-34-11",
	    "01 0b 0053  04 0004 00000007  05 0004 00000002"
	    "  03 0004 00000e10  0b 0004 00000005"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 000000000000000b"
	    "   00000000000000000000000000000000" },
	{ "all", "FREE_REQUEST",
	    "Message Counter = 6, Client ID = 7, Bind ID = 2, Auth = "
	    "9-17-34-12",
	    "01 0c 004c  04 0004 00000007  05 0004 00000002"
	    "  0b 0004 00000006"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 000000000000000c"
	    "   00000000000000000000000000000000" },
	{ "all", "FREE_RESPONSE",
	    "Message Counter = 0, Client ID = 7, Bind ID = 2, Auth = "
	    "9-17-34-13",
	    "01 0d 004c  04 0004 00000007  05 0004 00000002"
	    "  0b 0004 00000000"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 000000000000000d"
	    "   00000000000000000000000000000000" },
	{ "all", "QUERY_REQUEST",
	    "Message Counter = 7, Client ID = 7, Indicator = address, Address "
	    "= 10.0.0.9, Indicator = network, Address (network) = 10.0.0.0, "
	    "Address (netmask) = 255.255.255.0, Indicator = address, Address "
	    "= y1.lab, Auth = 9-17-34-14",
	    "01 0e 0076  04 0004 00000007  0b 0004 00000007  0a 0002 0001"
	    "  01 0005 01 0a000009  0a 0002 0002  01 0005 01 0a000000"
	    "  01 0005 02 ffffff00  0a 0002 0001  01 0007 04 79312e6c6162"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 000000000000000e"
	    "   00000000000000000000000000000000" },
	{ "all", "QUERY_RESPONSE",
	    "Message Counter = 7, Client ID = 7, Indicator = address, Address "
	    "= 10.0.0.9, Indicator = network, Address (network) = 10.0.0.0, "
	    "Address (netmask) = 255.255.255.0, Indicator = remote address, "
	    "Address = 192.0.2.1, Indicator = remote network, Address "
	    "(network) = 192.0.2.0, Address (netmask) = 255.255.255.0, Auth = "
	    "9-17-34-15",
	    "01 0f 0089  04 0004 00000007  0b 0004 00000007  0a 0002 0001"
	    "  01 0005 01 0a000009  0a 0002 0002  01 0005 01 0a000000"
	    "  01 0005 02 ffffff00  0a 0002 0003  01 0005 01 c0000201"
	    "  0a 0002 0004  01 0005 01 c0000200  01 0005 02 ffffff00"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 000000000000000f"
	    "   00000000000000000000000000000000" },
	{ "all", "LISTEN_REQUEST",
	    "Message Counter = 8, Client ID = 7, Address (local) = "
	    "198.51.100.1, Ports (local) = 2-25000, Address (remote) = 0, "
	    "Ports (remote) = 0, Lease Time = 60, Tunnel Type = IP-IP, Tunnel "
	    "Type = GRE, Auth = 9-17-34-16",
	    "01 10 006a  04 0004 00000007  01 0005 01 c6336401"
	    "  02 0003 02 61a8  01 0001 01  02 0001 01  0b 0004 00000008"
	    "  03 0004 0000003c  06 0001 01  06 0001 02"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000010"
	    "   00000000000000000000000000000000" },
	{ "all", "LISTEN_RESPONSE",
	    "Message Counter = 8, Client ID = 7, Bind ID = 3, Address (local) "
	    "= 198.51.100.1, Ports (local) = 2-25000, Address (remote) = 0, "
	    "Ports (remote) = 0, Lease Time = 60, Tunnel Type = IP-IP, "
	    "Address (tunnel endpoint) = 10.0.0.2, Auth = 9-17-34-17",
	    "01 11 0075  04 0004 00000007  05 0004 00000003"
	    "  01 0005 01 c6336401  02 0003 02 61a8  01 0001 01  02 0001 01"
	    "  06 0001 01  03 0004 0000003c  01 0005 01 0a000002"
	    "  0b 0004 00000008"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000011"
	    "   00000000000000000000000000000000" },
	{ "all", "ASSIGN_REQUEST_RSIPSEC",
	    "Message Counter = 9, Client ID = 7, Address (local) = "
	    "198.51.100.1, Ports (local) = 4-0, Address (remote) = 0, Ports "
	    "(remote) = 0, SPI = 16-0x80001000, Lease Time = 60, Tunnel Type "
	    "= IP-IP, Cookies = 2-0, Auth = 9-17-34-18",
	    "01 16 0076  04 0004 00000007  01 0005 01 c6336401  02 0001 04"
	    "  01 0001 01  02 0001 01  16 0006 0010 80001000  0b 0004 00000009"
	    "  03 0004 0000003c  06 0001 01  0c 0006 7ed9 0001 0002"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000012"
	    "   00000000000000000000000000000000" },
	{ "all", "ASSIGN_RESPONSE_RSIPSEC",
	    "Message Counter = 9, Client ID = 7, Bind ID = 4, Address (local) "
	    "= 198.51.100.1, Ports (local) = 4-20000, Address (remote) = 0, "
	    "Ports (remote) = 0, SPI = 16-0x80001000, Lease Time = 60, Tunnel "
	    "Type = IP-IP, Address (tunnel endpoint) = 10.0.0.2, Cookies = "
	    "2-0x1122334455667788-0x99aabbccddeeff00, Auth = 9-17-34-19",
	    "01 17 0097  04 0004 00000007  05 0004 00000004"
	    "  01 0005 01 c6336401  02 0003 04 4e20  01 0001 01  02 0001 01"
	    "  16 0006 0010 80001000  03 0004 0000003c  06 0001 01"
	    "  01 0005 01 0a000002  0b 0004 00000009"
	    "  0c 0016 7ed9 0001 0002 1122334455667788 99aabbccddeeff00"
	    "  0c 0030 7ed9 0002 00000009 0000000000000011"
	    "   0000000000000022 0000000000000013"
	    "   00000000000000000000000000000000" },
};
const size_t rsip_examples_count =
    sizeof(rsip_examples) / sizeof(rsip_examples[0]);

size_t
hex_bytes(const char *hex, uint8_t *buf, size_t cap)
{
	static const char digits[] = "0123456789abcdef";
	const char	 *d;
	size_t		  n = 0;

	for (; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		d = strchr(digits, *hex);
		assert_non_null(d);
		assert_true(n / 2 < cap);
		if (n % 2 == 0)
			buf[n / 2] = (uint8_t)((d - digits) << 4);
		else
			buf[n / 2] |= (uint8_t)(d - digits);
		n++;
	}
	assert_int_equal(n % 2, 0);
	return n / 2;
}

static void
text_address(struct rsip_address *a, const char *text)
{
	struct addr addr = { 0 };

	if (strcmp(text, "0") == 0 || addr_parse(&addr, text) == 0)
		rsip_address_set(a, &addr);
	else {
		a->type = RSIP_ADDR_FQDN;
		assert_true(strlen(text) < sizeof(a->fqdn));
		memcpy(a->fqdn, text, strlen(text) + 1);
	}
}

/* "4-1234", "4-0", "2-1012-1013", "21" or "0"; returns how many
 * fields there are. */
static size_t
text_fields(const char *text, unsigned *number, uint64_t *field, size_t cap)
{
	char	 *end;
	size_t	  n = 0;
	uint64_t  v = strtoull(text, &end, 0);

	*number = *end == '-' ? (unsigned)v : 1;
	if (*end != '-' && v != 0)
		field[n++] = v;
	while (*end == '-') {
		assert_true(n < cap);
		field[n++] = strtoull(end + 1, &end, 0);
	}
	assert_int_equal(*end, '\0');
	return n == 1 && field[0] == 0 ? 0 : n;
}

static void
text_ports(struct rsip_ports *p, const char *text)
{
	uint64_t field[RSIP_PORTS_MAX];
	unsigned number;
	size_t	 i, n;

	if (strcmp(text, "none") == 0) {
		p->none = true;
		return;
	}
	n = text_fields(text, &number, field, RSIP_PORTS_MAX);
	p->number = (uint8_t)number;
	p->nfields = (uint8_t)n;
	for (i = 0; i < n; i++)
		p->port[i] = (uint16_t)field[i];
}

/* A number, or the RFC's name for it. */
static unsigned
text_value(const char *text)
{
	static const struct {
		const char *name;
		unsigned    value;
	} names[] = {
		{ "Macro", 1 }, { "Micro", 2 }, { "None", 3 },
		{ "RSA-IP", RSIP_METHOD_RSA_IP },
		{ "RSAP-IP", RSIP_METHOD_RSAP_IP },
		{ "RSIPSEC", RSIP_METHOD_RSIPSEC },
		{ "IP-IP", RSIP_TUNNEL_IPIP }, { "GRE", RSIP_TUNNEL_GRE },
		{ "L2TP", RSIP_TUNNEL_L2TP },
		{ "address", RSIP_LOCAL_ADDRESS },
		{ "network", RSIP_LOCAL_NETWORK },
		{ "remote address", RSIP_REMOTE_ADDRESS },
		{ "remote network", RSIP_REMOTE_NETWORK },
		{ "REGISTER_FIRST", 301 }, { "REMOTE_ADDR_UNALLOWED", 314 },
		{ "IPSEC_UNALLOWED", 401 }, { "IPSEC_SPI_UNAVAILABLE", 402 },
		{ "IPSEC_SPI_INUSE", 403 },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, text) == 0)
			return names[i].value;
	}
	assert_true(isdigit((unsigned char)*text));
	return (unsigned)strtoul(text, NULL, 10);
}

static void
text_tuple(struct rsip_message *m, const char *key, const char *value)
{
	struct rsip_tuple *t;

	if (strcmp(key, "Indicator") == 0) {
		t = rsip_message_add_tuple(m);
		assert_non_null(t);
		t->indicator = (uint8_t)text_value(value);
		return;
	}
	assert_true(m->ntuples > 0);
	t = &m->tuple[m->ntuples - 1];
	if (strcmp(key, "Address (netmask)") == 0) {
		text_address(&t->netmask, value);
		t->netmask.type = RSIP_ADDR_NETMASK4;
	} else {
		text_address(&t->address, value);
	}
}

static void
text_vendor(struct rsip_message *m, const char *key, const char *value)
{
	uint64_t field[3] = { 0 };
	unsigned number;
	size_t	 n;

	if (strcmp(key, "Host") == 0) {
		m->has |= RSIP_HAS_FQDN;
		assert_true(strlen(value) < sizeof(m->fqdn));
		memcpy(m->fqdn, value, strlen(value) + 1);
	} else if (strcmp(key, "Auth") == 0) {
		m->has |= RSIP_HAS_AUTH;
		assert_int_equal(text_fields(value, &number, field, 3), 3);
		m->auth_key_id = number;
		m->auth_index = field[0];
		m->auth_echo = field[1];
		m->auth_counter = field[2];
	} else if (strcmp(key, "Floor") == 0) {
		m->has |= RSIP_HAS_FLOOR;
		m->auth_floor = strtoull(value, NULL, 10);
	} else {
		assert_string_equal(key, "Cookies");
		m->has |= RSIP_HAS_COOKIES;
		n = text_fields(value, &number, m->cookie, RSIP_COOKIES_MAX);
		m->cookies_number = (uint16_t)number;
		m->ncookies = (uint16_t)n;
	}
}

static void
text_param(struct rsip_message *m, const char *key, const char *value)
{
	uint64_t field[RSIP_SPIS_MAX];
	unsigned number;
	size_t	 i, n;

	if (strcmp(key, "Client ID") == 0) {
		m->has |= RSIP_HAS_CLIENT_ID;
		m->client_id = text_value(value);
	} else if (strcmp(key, "Bind ID") == 0) {
		m->has |= RSIP_HAS_BIND_ID;
		m->bind_id = text_value(value);
	} else if (strcmp(key, "Lease Time") == 0) {
		m->has |= RSIP_HAS_LEASE;
		m->lease = text_value(value);
	} else if (strcmp(key, "Message Counter") == 0) {
		m->has |= RSIP_HAS_COUNTER;
		m->counter = text_value(value);
	} else if (strcmp(key, "Error") == 0) {
		m->has |= RSIP_HAS_ERROR;
		m->error = (uint16_t)text_value(value);
	} else if (strcmp(key, "Local Flow Policy") == 0) {
		m->has |= RSIP_HAS_POLICY;
		m->local_policy = (uint8_t)text_value(value);
	} else if (strcmp(key, "Remote Flow policy") == 0) {
		m->remote_policy = (uint8_t)text_value(value);
	} else if (strcmp(key, "RSIP Method") == 0) {
		m->has |= RSIP_HAS_METHOD;
		m->method[m->nmethods++] = (uint8_t)text_value(value);
	} else if (strcmp(key, "Tunnel Type") == 0) {
		m->has |= RSIP_HAS_TUNNEL;
		m->tunnel[m->ntunnels++] = (uint8_t)text_value(value);
	} else if (strcmp(key, "Address (local)") == 0) {
		m->has |= RSIP_HAS_LOCAL;
		text_address(&m->local, value);
	} else if (strcmp(key, "Address (remote)") == 0) {
		m->has |= RSIP_HAS_REMOTE;
		text_address(&m->remote, value);
	} else if (strcmp(key, "Address (tunnel endpoint)") == 0) {
		m->has |= RSIP_HAS_ENDPOINT;
		text_address(&m->endpoint, value);
	} else if (strcmp(key, "Ports (local)") == 0) {
		m->has |= RSIP_HAS_LOCAL_PORTS;
		text_ports(&m->local_ports, value);
	} else if (strcmp(key, "Ports (remote)") == 0) {
		m->has |= RSIP_HAS_REMOTE_PORTS;
		text_ports(&m->remote_ports, value);
	} else if (strcmp(key, "SPI") == 0) {
		m->has |= RSIP_HAS_SPIS;
		n = text_fields(value, &number, field, RSIP_SPIS_MAX);
		m->spis.number = (uint16_t)number;
		m->spis.nfields = (uint16_t)n;
		for (i = 0; i < n; i++)
			m->spis.spi[i] = (uint32_t)field[i];
	} else if (strcmp(key, "Indicator") == 0 ||
	    strncmp(key, "Address", 7) == 0) {
		text_tuple(m, key, value);
	} else {
		text_vendor(m, key, value);
	}
}

void
rsip_example_message(const struct rsip_example *e, struct rsip_message *m)
{
	unsigned type;
	char	 text[512], *next, *param, *value;

	for (type = 1; strcmp(rsip_type_name(type), e->name) != 0; type++)
		assert_true(type < 256);
	rsip_message_init(m, type);
	assert_true(strlen(e->text) < sizeof(text));
	memcpy(text, e->text, strlen(e->text) + 1);
	for (param = text; *param != '\0'; param = next) {
		if ((next = strstr(param, ", ")) != NULL) {
			*next = '\0';
			next += 2;
		} else {
			next = param + strlen(param);
		}
		value = strstr(param, " = ");
		assert_non_null(value);
		*value = '\0';
		text_param(m, param, value + 3);
	}
}

enum rsip_error
decode_exact(struct rsip_message *m, const uint8_t *buf, size_t len)
{
	uint8_t	       *copy = malloc(len == 0 ? 1 : len);
	enum rsip_error rc;

	assert_non_null(copy);
	memcpy(copy, buf, len);
	rc = rsip_decode(m, copy, len);
	free(copy);
	return rc;
}

bool
rsip_message_equal(const struct rsip_message *a, const struct rsip_message *b)
{
	struct rsip_message c = *a, d = *b;

	/* Messages were zero before they were filled, padding and what is
	 * beyond the ends of lists too. */
	c.tuple = d.tuple = NULL;
	return memcmp((uint8_t *)&c, (uint8_t *)&d, sizeof(c)) == 0 &&
	    (a->ntuples == 0 || memcmp(a->tuple, b->tuple,
	    a->ntuples * sizeof(*a->tuple)) == 0);
}
