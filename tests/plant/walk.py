"""Takes results one by one as a controller does: walk.py PORT PARTS. JSON of what was read goes to standard output.

Uses every function that is answered: 1 to 6, 15 and 16. Ends with 1 when the handshake is not what the map of registers says.
"""

import json
import sys
import time

from pymodbus.client import ModbusTcpClient

port, parts = int(sys.argv[1]), int(sys.argv[2])
ONLINE, READY, FAULT, BUSY, COMPLETED, VALID, OVERRUN = range(7)
ACKNOWLEDGE, CLEAR_OVERRUN, ACKNOWLEDGE_ALARMS = range(3)
PRODUCT_WANTED = 17
# Of one thing that must come; a machine that does other things too is slow.
PATIENCE = 60.0

client = ModbusTcpClient("127.0.0.1", port=port, timeout=10)
assert client.connect()


def answered(response):
    assert not response.isError(), response
    return response


def bits():
    return answered(client.read_discrete_inputs(0, count=7)).bits[:7]


def until(what, holds):
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.002)


def counters():
    """How many parts have left, passed, were judged bad; and the heartbeat."""
    words = answered(client.read_input_registers(0, count=16)).registers
    return [words[at] << 16 | words[at + 1] for at in (9, 11, 13)], words[1]


answered(client.write_coils(0, [False, True, False]))
assert answered(client.read_coils(0, count=3)).bits[:3] == [False, False, False]
first = answered(client.read_input_registers(0, count=16)).registers
assert first[2] == 2, f"map {first[2]}"
answered(client.write_register(PRODUCT_WANTED, 7))
answered(client.write_registers(PRODUCT_WANTED, [0]))
assert answered(client.read_holding_registers(PRODUCT_WANTED, count=1)).registers == [0]
results, completed = [], None
while len(results) < parts:
    until("Results Valid", lambda: bits()[VALID])
    state = bits()
    assert state[ONLINE] and not state[OVERRUN], state
    assert completed is None or state[COMPLETED] != completed, f"Inspection Completed did not turn over: {results[-1]}"
    completed = state[COMPLETED]
    high, low, result, reason, score = answered(client.read_holding_registers(3, count=5)).registers
    results.append({"part": high << 16 | low, "result": result, "reason": reason, "score": score})
    answered(client.write_coil(ACKNOWLEDGE, True))
    until("Results Valid off", lambda: not bits()[VALID])
    answered(client.write_coil(ACKNOWLEDGE, False))
# Counters are told some times a second, results at once.
until("a count of all parts", lambda: counters()[0][0] >= parts)
(parts_left, passed, bad), heartbeat = counters()
assert heartbeat != first[1], "the heartbeat stood still"
assert passed + bad <= parts_left, (parts_left, passed, bad)
client.close()
json.dump(results, sys.stdout)
