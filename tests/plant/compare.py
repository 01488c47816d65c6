"""Whether results as a controller read them are what the station's records say: compare.py RESULTS RECORDS."""

import json
import sys

results = json.load(open(sys.argv[1]))
records = {record["part"]: record for record in json.load(open(sys.argv[2]))}
wrong = []
numbers = [result["part"] for result in results]
if len(set(numbers)) != len(numbers):
    wrong.append("a part came twice")
missing = sorted(set(range(min(numbers), max(numbers) + 1)) - set(numbers))
# Who is still between trigger and gate leaves after whoever was read last.
missing = [number for number in missing if number < max(numbers) - 64]
if missing:
    wrong.append(f"parts that never came: {missing[:10]}")
for result in results:
    record = records.get(result["part"])
    if record is None:
        wrong.append(f"part {result['part']} has no record")
        continue
    reason = record["override_reason"] or record["reason"]
    expected = 1 if record["passed"] else 3 if reason else 2
    if result["result"] != expected or (result["reason"] != 0) != (expected == 3):
        wrong.append(f"{result} is not {record}")
    score = record["score"]
    if score is None:
        right = result["score"] == 65535
    else:
        right = abs(result["score"] - score * 1e4) <= 1
    if not right:
        wrong.append(f"{result} has another score than {score}")
kinds = {kind: sum(result["result"] == kind for result in results) for kind in (1, 2, 3)}
print(f"{len(results)} parts: {kinds[1]} passed, {kinds[2]} judged bad, {kinds[3]} rejected for another reason; {len(wrong)} wrong")
for line in wrong[:20]:
    print(line)
sys.exit(1 if wrong else 0)
