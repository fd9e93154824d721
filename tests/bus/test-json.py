#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The JSON of each verb against the real daemon, by its schema in tests/client/schemas.

Exactly one value on standard output, whatever the state of the host and the exit status. The
schemas are strict: what they do not name must not be there.
"""
import json
import os
import sys

import fakehost as host
from fakehost import NIC, ctl, expect, tell

try:
    import jsonschema
except ImportError:
    host.skip("python3-jsonschema is missing")

schemas = {}


def schema(name):
    if name not in schemas:
        with open(os.path.join(host.SOURCE, "tests/client/schemas", name + ".json")) as file:
            schemas[name] = json.load(file)
        jsonschema.Draft7Validator.check_schema(schemas[name])
    return jsonschema.Draft7Validator(schemas[name])


def complaint(name, value):
    error = next(schema(name).iter_errors(value), None)
    return error and "%s: %s" % ("/".join(map(str, error.absolute_path)), error.message)


def conforms(name, status, *words):
    """Checks all three ways of JSON; returns the value."""
    value = None
    for option in ("--json=short", "--json=pretty", "-j"):
        what = "pcassignctl %s %s" % (option, " ".join(words))
        result = ctl(option, *words)
        expect(what + ": status %d" % status, result.returncode == status, result)
        try:
            value = json.loads(result.stdout)
        except ValueError as error:
            expect(what + ": one JSON value", False, "%s: %s" % (error, result.stdout))
            continue
        wrong = complaint(name, value)
        expect(what, not wrong, "%s\n%s" % (wrong, result.stdout))
        if option != "--json=pretty":
            expect(what + ": one line", result.stdout.count("\n") == 1, result.stdout)
    return value


def test_devices():
    conforms("list", 0, "list")
    conforms("list", 0, "list", "-a")
    conforms("list", 0, "list", "nic")
    # A bridge, a function behind no IOMMU, one with an override, one with a name and no driver.
    for device in ("00:01.0", "04:00.0", "06:00.0", "exchanged"):
        conforms("list", 0, "list", device)
    expect("nothing found is an empty array", conforms("list", 10, "list", "77:00.0") == [])


def offline(*words):
    """The same from the fake host's own tree."""
    return json.loads(ctl("--json=short", "--sysfs", os.environ["FAKE_TREE"] + "/sys", *words).stdout)


def test_looks():
    """show, explain and tree; what the daemon tells is what sysfs says."""
    conforms("tree", 0, "tree")
    conforms("show", 0, "show", "nic")
    conforms("explain", 0, "explain", "nic")
    # The daemon's worker opens the config spaces a moment after its start.
    expect("config spaces", host.await_true(
        lambda: json.loads(ctl("-j", "show", NIC).stdout)["capabilities_complete"]))
    for device in json.loads(ctl("-j", "list", "-a").stdout):
        for verb in ("show", "explain"):
            words = (verb, device["address"])
            online, seen = json.loads(ctl("-j", *words).stdout), offline(*words)
            expect("%s %s: its schema" % words, not complaint(verb, online), online)
            for member in ("name", "state", "claim"):
                online.pop(member, None)
                seen.pop(member, None)
            expect("%s %s: the same offline" % words, online == seen, "%s\n%s" % (online, seen))


def by_name(checks):
    """The verdicts by their checks: those that are known, and whether all are."""
    verdicts = {}
    for check in checks:
        known, complete = verdicts.setdefault(check["name"], ([], True))
        if check["ok"] is None:
            verdicts[check["name"]] = (known, False)
        else:
            known.append(check)
    return verdicts


def policy_directories():
    return ["--policy-directory=" + os.path.join(os.environ["FAKE_TREE"], name)
            for name in ("policy.d", "vendor.d")]


def same_checks(*words):
    """Whatever is told offline is told in the same words by the daemon; gives the names of what is unknown."""
    online, seen = json.loads(ctl("-j", "check", *words).stdout), offline("check", *words,
                                                                           *policy_directories())
    expect("%s: its schema" % (words,), not complaint("check", seen), seen)
    told, looked = by_name(online["checks"]), by_name(seen["checks"])
    expect("%s: the same checks in the same order" % (words,), list(told) == list(looked),
           "%s\n%s" % (list(told), list(looked)))
    for name, (known, complete) in looked.items():
        daemons = told.get(name, ([], True))[0]
        good = known == daemons if complete else all(check in daemons for check in known)
        expect("%s: %s offline" % (words, name), good, "%s\n%s" % (daemons, known))
    unknown = [name for name, (known, complete) in looked.items() if not complete]
    refused = any(check["ok"] is False for check in seen["checks"])
    expect("%s: ok" % (words,),
           seen["ok"] is (False if refused else None if unknown else True), seen)
    expect("%s: never ok offline alone" % (words,), online["ok"] or not seen["ok"])
    return unknown


def test_offline_checks():
    """check and plan make the same of the host's tree as the daemon; the state is beside it."""
    link = os.path.join(os.environ["FAKE_TREE"], "run/pcassign")
    os.symlink(".", link)
    doubts = set()
    devices = [device["address"] for device in json.loads(ctl("-j", "list", "-a").stdout)]
    users = ("0", "1", "65534", "4000000000")
    for i, device in enumerate([*devices, "empty-slot", "77:00.0", "zz:00.0"]):
        doubts.update(same_checks(device, "--as=" + users[i % len(users)]))
    for user in users:
        doubts.update(same_checks("nic", "--as=" + user))
        doubts.update(same_checks("gpu", "--as=" + user))
    same_checks("nic", "gpu")
    same_checks("03:00.0", "03:00.1", "--as=65534")
    expect("what only the worker finds out", doubts == {"in-use"}, doubts)
    held = host.Held("nic")
    for user in ("0", "1", "65534"):
        expect("nobody has it twice", "busy" not in same_checks("nic", "--as=" + user))
    held.end()
    host.await_driver("e1000e")
    for words in (("nic",), ("07:00.0",), ("gpu", "nic"), ("04:00.0",)):
        online = json.loads(ctl("-j", "plan", *words).stdout)
        seen = offline("plan", *words, *policy_directories())
        expect("plan %s: the same offline" % (words,), online == seen and online["steps"],
               "%s\n%s" % (online, seen))
    os.unlink(link)
    expect("without the state", same_checks("nic") == ["busy"])


def same_status(*words):
    """But for what a daemon that starts does not know either, and what the journal has left."""
    online, seen = json.loads(ctl("-j", "status", *words).stdout), offline("status", *words)
    expect("status %s: its schema" % (words,), not complaint("status", seen), seen)
    lists = [value if isinstance(value, list) else [value] for value in (online, seen)]
    for entry in lists[0] + lists[1]:
        for member in ("since", "reason", "steps"):
            entry.pop(member)
    expect("status %s: the same offline" % (words,), lists[0] == lists[1],
           "%s\n%s" % (online, seen))


def test_offline_status():
    link = os.path.join(os.environ["FAKE_TREE"], "run/pcassign")
    os.symlink(".", link)
    same_status()
    held = host.Held("nic", "--title=a title")
    claim = json.loads(ctl("-j", "claims").stdout)[0]["claim"]
    for words in ((), (NIC,), (claim,), (claim[:8],), ("08:00.0",)):
        same_status(*words)
    held.end()
    host.await_driver("e1000e")
    same_status(NIC)
    os.unlink(link)


def test_checks():
    for status, device in ((0, "nic"), (2, "zz:00.0"), (4, "exchanged"), (4, "10:00.0"),
                           (5, "04:00.0"), (5, "03:00.0"), (6, "00:01.0"), (6, "02:00.0"),
                           (6, "06:00.0"), (7, "05:00.0"), (10, "77:00.0"), (10, "no-such-name")):
        conforms("check", status, "check", device)
    conforms("check", 0, "check", "nic", "gpu")
    conforms("plan", 0, "plan", "nic")
    conforms("plan", 0, "plan", "07:00.0")
    conforms("plan", 0, "plan", "gpu", "nic")
    conforms("plan", 0, "run", "--dry-run", "x=nic")
    conforms("plan", 0, "run", "--dry-run", "--handoff=node", "nic")


def test_claims():
    expect("no claims", conforms("claims", 0, "claims") == [])
    expect("nothing unusual", conforms("status", 0, "status") == [])
    held = host.Held("nic", "--title=a title")
    claim = conforms("claims", 0, "claims")[0]
    expect("the claim", claim["devices"] == [NIC] and claim["title"] == "a title", claim)
    conforms("list", 0, "list", "nic")
    for word in ("nic", NIC, claim["claim"], claim["claim"][:8]):
        conforms("status", 0, "status", word)
    expect("one claim", len(conforms("status", 0, "status")) == 1)
    tell("use", NIC)
    held.end()
    expect("stuck", host.await_true(lambda: '"stuck"' in ctl("-j", "status", "nic").stdout))
    conforms("claims", 0, "claims")
    conforms("status", 0, "status", "nic")
    conforms("list", 0, "list", "nic")
    tell("unuse", NIC)
    host.await_driver("e1000e")
    conforms("status", 0, "status", "nic")
    conforms("status", 0, "status", "00:01.0")


def test_locked():
    """A device that did not come back from its reset."""
    held = host.Held("08:00.0")
    tell("dead-reset", "0000:08:00.0")
    held.end()
    locked = '"quarantined"'
    expect("quarantined", host.await_true(lambda: locked in ctl("-j", "status", "08:00.0").stdout))
    link = os.path.join(os.environ["FAKE_TREE"], "run/pcassign")
    os.symlink(".", link)
    same_status()
    same_status("08:00.0")
    seen = offline("status", "08:00.0")
    expect("what is left", any("0000:08:00.0: " in step for step in seen["steps"]), seen)
    same_checks("08:00.0")
    os.unlink(link)
    status = conforms("status", 0, "status", "08:00.0")
    expect("why and what next", status["reason"] and status["since"]
           and status["fix"] == "pcassignctl recover 0000:08:00.0", status)
    expect("it is listed", conforms("status", 0, "status") == [dict(status, subject="0000:08:00.0")])
    conforms("check", 7, "check", "08:00.0")
    conforms("list", 0, "list", "08:00.0")


def fix_of(word):
    return conforms("status", 0, "status", word)["fix"]


def type_next(word, wanted):
    """Types what status names."""
    fix = fix_of(word)
    expect("%s: %s" % (word, fix), fix.startswith("pcassignctl %s " % wanted), fix)
    result = ctl(*fix.split()[1:])
    expect("%s helps" % fix, result.returncode == 0, result)


def test_administration():
    """The administrator's verbs; and what status names mends what it is about."""
    conforms("admin", 0, "reserve", "nic")
    reserved = conforms("status", 0, "status", "nic")
    expect("reserved since when", reserved["state"] == "reserved" and reserved["since"], reserved)
    expect("a reservation is shown", conforms("status", 0, "status")
           == [dict(reserved, subject=NIC)])
    conforms("list", 0, "list", "nic")
    conforms("check", 0, "check", "nic")
    conforms("admin", 0, "reset", "nic")
    type_next("nic", "unreserve")
    host.await_driver("e1000e")
    type_next("nic", "check")
    held = host.Held("nic", keep_open=False)
    type_next("nic", "release")
    held.end()
    host.await_driver("e1000e")
    held = host.Held("nic")
    tell("fail", "*/reset *", "5")
    held.end()
    expect("quarantined",
           host.await_true(lambda: '"quarantined"' in ctl("-j", "status", "nic").stdout))
    tell("heal")
    type_next("nic", "recover")
    host.await_driver("e1000e")
    expect("nothing unusual", conforms("status", 0, "status") == [])


def test_policy():
    conforms("policy-check", 0, "policy", "reload")
    broken = os.path.join(os.environ["FAKE_TREE"], "policy.d/60-broken.conf")
    with open(broken, "w") as file:
        file.write("[Device x]\nPath=01.0/99.0\nColour=red\n")
    os.chmod(broken, 0o644)
    conforms("policy-check", 65, "policy", "reload")
    expect("stale", conforms("policy-show", 0, "policy", "show")["stale"] is True)
    conforms("policy-explain", 0, "policy", "explain", "nic")
    os.unlink(broken)
    conforms("policy-check", 0, "policy", "reload")


def test_policy_answers():
    """What the daemon says of the policy in force is what the files say."""
    tree = os.environ["FAKE_TREE"]
    directories = policy_directories()
    conforms("policy-check", 0, "policy", "check", *directories)
    shown = conforms("policy-show", 0, "policy", "show")
    expect("in force", shown["stale"] is False and int(shown["generation"]) > 0, shown)
    expect("the same sections", shown["sections"] == offline("policy", "show", *directories)["sections"])
    denied = 0
    for device in json.loads(ctl("-j", "list", "-a").stdout):
        for user in ("0", "1", "65534", "4000000000"):
            words = ("policy", "explain", device["address"], "--as=" + user)
            online, seen = json.loads(ctl("-j", *words).stdout), offline(*words, *directories)
            expect("%s: its schema" % (words,), not complaint("policy-explain", online), online)
            expect("%s: stale" % (words,), online.pop("stale") is False and seen.pop("stale") is None)
            expect("%s: the same offline" % (words,), online == seen, "%s\n%s" % (online, seen))
            denied += not online["allowed"]
    expect("some are denied, not all", 0 < denied < 4 * 23, denied)
    told = conforms("policy-new", 0, "policy", "new", "07:00.0", "--name=x", "--user=0",
                    "--sysfs=" + tree + "/sys")
    expect("a section", told["name"] == "x" and told["file"] is None, told)


def test_strictness():
    """The schemas refuse what is not in them: a test that cannot fail would be none."""
    value = json.loads(ctl("-j", "list", "nic").stdout)
    expect("a member too many", complaint("list", [dict(value[0], colour="red")]))
    expect("a short address", complaint("list", [dict(value[0], address="01:00.0")]))
    expect("a number for an id", complaint("list", [dict(value[0], vendor=32902)]))
    del value[0]["claim"]
    expect("a member missing", complaint("list", value))


def main():
    host.begin(__file__)
    test_devices()
    test_looks()
    test_checks()
    test_offline_checks()
    test_offline_status()
    test_claims()
    test_policy()
    test_policy_answers()
    test_administration()
    test_strictness()
    test_locked()
    host.finish()


main()
