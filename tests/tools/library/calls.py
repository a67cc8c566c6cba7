"""Every function of the example's class, also from eight threads: calls.py LIBRARY FILE FACTS"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from wukong import Error, Wukong

wukong = Wukong(sys.argv[1])
file, facts = (open(path, encoding="utf-8").read() for path in sys.argv[2:])

assert wukong.version()
assert wukong.validate(file)["valid"]
problem = wukong.validate("kind: Wukong\nspec: {cpu: 0}\n", name="a.yaml")["problems"][0]
assert problem["file"] == "a.yaml" and problem["code"].startswith("WK"), problem
assert wukong.schema(crd=True)["kind"] == "CustomResourceDefinition"
assert wukong.plan(file, facts, adopt=True, namespace="default")["kind"] == "Plan"
assert wukong.status(facts)["items"][0]["metadata"]["name"] == "web"
assert wukong.locate(facts, picture="svg")["picture"].startswith("<svg")
assert wukong.migrate_plan(facts, machine="web")["ways"]

for wrong in (lambda: wukong.render("\0"), lambda: wukong.locate("{}"), lambda: wukong.render(file, nmae="x")):
    try:
        wrong()
    except Error as error:
        assert error.status and error.help, error
    else:
        raise AssertionError("not refused")

with ThreadPoolExecutor(8) as threads:
    answers = set(threads.map(lambda _: json.dumps(wukong.render(file)), range(64)))
assert len(answers) == 1
