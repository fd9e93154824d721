#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is read from config spaces against what lspci reads from the same, for each function of the recorded
hosts: capabilities with offset and name, BARs with their sizes, MSI and MSI-X, PCIe type and link, SR-IOV, ACS."""
import glob
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE = os.environ.get("SRCDIR", ".")
BUILD = os.environ.get("BUILDDIR", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests/support"))
import recorded  # noqa: E402  pylint: disable=wrong-import-position

SKIPPED = 77
# How lspci begins a capability, and what it is called here.
NAMES = (
    (r"Power Management version", "PM"), (r"Subsystem:", "Bridge subsystem"), (r"MSI-X:", "MSI-X"), (r"MSI:", "MSI"),
    (r"Express \(v\d\)", "PCIe"), (r"PCI-X ", "PCI-X"), (r"Vendor Specific Information:", "Vendor"),
    (r"Slot ID:", "Slot ID"), (r"SATA HBA", "SATA"), (r"Vital Product Data", "VPD"), (r"Hot-plug capable", "Hotplug"),
    (r"HyperTransport", "HT"), (r"PCI Advanced Features", "AF"), (r"Enhanced Allocation", "EA"),
    (r"AGP version", "AGP"), (r"Debug port", "Debug port"), (r"Null", "Null"))
EXTENDED = (
    (r"Advanced Error Reporting", "AER"), (r"Device Serial Number", "DSN"), (r"Virtual Channel", "VC"),
    (r"Access Control Services", "ACS"), (r"Alternative Routing-ID Interpretation \(ARI\)", "ARI"),
    (r"Address Translation Service \(ATS\)", "ATS"), (r"Single Root I/O Virtualization \(SR-IOV\)", "SR-IOV"),
    (r"Transaction Processing Hints", "TPH"), (r"Latency Tolerance Reporting", "LTR"), (r"Vendor Specific", "VNDR"),
    (r"Page Request Interface \(PRI\)", "PRI"), (r"Process Address Space ID", "PASID"),
    (r"Physical Resizable BAR", "Resizable BAR"), (r"Secondary PCI Express", "SecPCIe"))
TYPES = {"Root Port": "root port", "Upstream Port": "upstream port", "Downstream Port": "downstream port",
         "PCI-Express to PCI/PCI-X Bridge": "PCIe-to-PCI bridge", "PCI/PCI-X to PCI-Express Bridge": "PCI-to-PCIe bridge",
         "Root Complex Integrated Endpoint": "root complex integrated endpoint", "Legacy Endpoint": "legacy endpoint",
         "Endpoint": "endpoint", "Root Complex Event Collector": "root complex event collector"}
ACS_BITS = (("SrcValid", "SV"), ("TransBlk", "TB"), ("ReqRedir", "RR"), ("CmpltRedir", "CR"), ("UpstreamFwd", "UF"),
            ("EgressCtrl", "EC"), ("DirectTrans", "DT"))


def name_of(table, text):
    for pattern, name in table:
        if re.match(pattern, text):
            return name
    return f"what lspci calls {text}"


def find(pattern, text):
    return re.search(pattern, text)[1]


def size_of(text):
    match = re.search(r"\[size=(\d+)([KMGT]?)\]", text)
    return int(match[1]) << 10 * " KMGT".index(match[2] or " ") if match else 0


def bar_of(text):
    """"Region 0: Memory at fe000000 (32-bit, non-prefetchable) [size=128K]", "Expansion ROM at ..."."""
    match = re.match(r"(?:Region (\d)|Expansion ROM)(?::| at) ?(?:\[virtual\] )?(Memory|I/O ports)?(?: at)? ?(\S+)", text)
    address = re.search(r"(?:at|ROM at) ([0-9a-f]+|<\w+>)", text)[1]
    kind = "rom" if match[1] is None else "io" if match[2] == "I/O ports" else "mem64" if "(64-bit" in text else "mem32"
    prefetchable = " prefetchable" if ", prefetchable)" in text else ""
    value = 0 if address.startswith("<") else int(address, 16)
    return f"bar {match[1] or 6} {kind}{prefetchable} at {value:x} size {size_of(text)}"


def pcie_of(text):
    match = re.match(r"Express \(v(\d)\) ([^,(]*)", text)
    kind = TYPES.get(match[2].strip(), f"what lspci calls {match[2]}")
    return f"pcie v{match[1]} {kind}" + (" slot" if "(Slot+)" in text else "")


def speed_of(text):
    match = re.search(r"Speed ([\d.]+)GT/s.*?Width x(\d+)", text)
    return f"{match[1]} GT/s x{match[2]}" if match else None


def acs_of(text):
    return " ".join(short for name, short in ACS_BITS if name + "+" in text)


class Function:
    """The facts of one function, made from lspci's lines."""

    def __init__(self):
        self.facts = []
        self.depth = ""

    def capability(self, text):
        match = re.match(r"Capabilities: \[([0-9a-f]+)(?: v(\d+))?\] (.*)", text)
        offset, version, said = match.groups()
        self.depth = said
        if version:
            self.facts.append(f"extended {offset} {name_of(EXTENDED, said)} v{version}")
        else:
            self.facts.append(f"capability {offset} {name_of(NAMES, said)}")
        enabled = "on" if "Enable+" in said else "off"
        if said.startswith("MSI-X:"):
            self.facts.append(f"msix {find(r'Count=(.+?) ', said)} {enabled}")
        elif said.startswith("MSI:"):
            self.facts.append(f"msi {find(r'Count=.+?/(.+?) ', said)} {enabled}")
        elif said.startswith("Express"):
            self.facts.append(pcie_of(said))
        elif said.startswith("Power Management"):
            self.depth = f"pm v{find(r'version (.)', said)}"
        elif said.startswith("Device Serial"):
            self.facts.append("dsn " + find(r"Number ([0-9a-f-]+)", said).replace("-", ""))

    def line(self, text, depth):
        """`depth`: how many tabs stand before it."""
        if depth == 1 and text.startswith("Capabilities: ["):
            self.capability(text)
        elif depth == 1 and re.match(r"Region \d: |Expansion ROM at", text):
            self.facts.append(bar_of(text))
        elif depth == 1 and text.startswith("Bus: primary="):
            self.facts.append("buses " + " ".join(re.findall(r"=([0-9a-f]{2}),", text)[:3]))
        elif depth == 1 and text.startswith("Interrupt: pin "):
            self.facts.append(f"pin {text[15]}")
        elif text.startswith("LnkCap:") and speed_of(text):
            self.facts.append(f"link at most {speed_of(text)}")
        elif text.startswith("LnkSta:") and speed_of(text):
            self.facts.append(f"link now {speed_of(text)}")
        elif re.search(r"\bFLReset\+", text):
            self.facts.append("flr")
        elif text.startswith("AFCap:"):
            self.facts.append("af" + (" tp" if "TP+" in text else "") + (" flr" if "FLR+" in text else ""))
        elif self.depth.startswith("pm v") and text.startswith("Status: D"):
            self.facts.append(f"{self.depth} {text[8:10]}" + (" no soft reset" if "NoSoftRst+" in text else ""))
        elif text.startswith("ACSCap:"):
            self.facts.append(f"acs has {acs_of(text)}")
        elif text.startswith("ACSCtl:"):
            self.facts.append(f"acs does {acs_of(text)}")
        elif text.startswith("ARICap:"):
            self.facts.append("ari next " + find(r"Next Function: (\d+)", text))
        else:
            self.sriov(text)

    def sriov(self, text):
        """Three lines make one fact."""
        if text.startswith("IOVCtl:"):
            self.depth = " on" if "Enable+" in text else ""
        elif text.startswith("Initial VFs:"):
            numbers = re.search(r"Total VFs: (\d+), Number of VFs: (\d+)", text)
            self.depth = f"sriov total {numbers[1]} now {numbers[2]}{self.depth}"
        elif text.startswith("VF offset:"):
            numbers = re.search(r"offset: (\d+), stride: (\d+), Device ID: ([0-9a-f]+)", text)
            self.facts.append(f"{self.depth} offset {numbers[1]} stride {numbers[2]} device {numbers[3]}")


def facts_of_lspci(text):
    """Address -> facts, and address -> the bytes of -xxxx."""
    facts, data = {}, {}
    address = None
    for line in text.splitlines():
        if re.match(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] ", line):
            address = line.split()[0]
            facts[address], data[address] = Function(), b""
        elif re.match(r"[0-9a-f]{2,3}: ", line):
            data[address] += bytes.fromhex(line.split(":")[1])
        elif line.startswith("\t"):
            facts[address].line(line.strip(), len(line) - len(line.lstrip("\t")))
    return {key: value.facts for key, value in facts.items()}, data


def facts_of_ours(path):
    facts, address = {}, None
    output = subprocess.run([os.path.join(BUILD, "tests/pci/facts-of"), path], check=True, capture_output=True)
    for line in output.stdout.decode().splitlines():
        if line.startswith("function "):
            address = line.split()[1]
            facts[address] = []
        else:
            facts[address].append(line)
    return facts


def run_lspci(host):
    with tempfile.TemporaryDirectory() as tree:
        recorded.unpack(host, tree)
        command = ["lspci", "-A", "linux-sysfs", "-O", f"sysfs.path={tree}/bus/pci", "-D", "-vvv", "-xxxx"]
        return subprocess.run(command, check=True, capture_output=True, env={**os.environ, "LC_ALL": "C"}).stdout.decode()


def shown(facts):
    """Without what lspci keeps to itself: that ports can be reset, and regions that the kernel has no room for. It
    tells of pins that do not exist, which here are none."""
    endpoint = any(re.match("pcie.*endpoint", fact) for fact in facts)
    return {fact for fact in facts if (fact != "flr" or endpoint) and fact != "pin ?" and
            not fact.endswith("size unknown")}


def compare(path, totals):
    host = recorded.read_host(path)
    ours, (theirs, data) = facts_of_ours(path), facts_of_lspci(run_lspci(host))
    if set(ours) != set(theirs) or set(ours) != set(host.functions):
        totals["different"] += 1
        print(f"{path}: not the same functions")
        return
    for address, facts in ours.items():
        totals["functions"] += 1
        totals["facts"] += len(facts)
        if data[address] != host.functions[address].config:
            totals["different"] += 1
            print(f"{path}: {address}: lspci has other bytes")
        here, there = shown(facts), shown(theirs[address])
        for sign, fact in sorted([("only here: ", f) for f in here - there] +
                                 [("only lspci: ", f) for f in there - here]):
            totals["different"] += 1
            print(f"{path}: {address}: {sign}{fact}")


def main():
    paths = sys.argv[1:] or sorted(glob.glob(os.path.join(SOURCE, "tests/pci/recorded/*.host")))
    totals = {"functions": 0, "facts": 0, "different": 0}
    try:
        subprocess.run(["lspci", "--version"], check=True, capture_output=True)
    except FileNotFoundError:
        print("there is no lspci here")
        return SKIPPED
    for path in paths:
        compare(path, totals)
    print(f"{len(paths)} hosts, {totals['functions']} functions, {totals['facts']} facts, {totals['different']} differences")
    return 0 if totals["functions"] > 0 and totals["different"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
