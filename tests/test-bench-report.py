#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench-report: medians, ratios and goals out of what bench-rounds prints."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

REPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench-report")

# Medians: by hand 100, the guard 20, claim and open 170, driverctl 200, beside libvirt 180 and 400.
ONE = [("nic 1 hand take", (90, 300, 100)), ("nic 1 hand back", (50, 60, 70)), ("nic 1 scan scan", (20, 10, 30)),
       ("nic 1 claim take", (170, 160, 900)), ("nic 1 claim back", (80, 80, 80)), ("nic 1 driverctl take", (200, 200, 1)),
       ("nic@libvirt 1 claim take", (180, 180, 180)), ("nic@libvirt 1 virsh take", (400, 300, 500))]
EIGHT = [("nvme 8 claim take", (500, 500, 500)), ("nvme 8 row take", (1000, 2000, 1000))]
ABOUT = "about kernel 6.12\nidle pcassignd 1180 0 30\nmaking progress\n"


def lines(samples):
    return ABOUT + "".join(f"sample {name} {ms * 1000}\n" for name, times in samples for ms in times)


def report(text, *options):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        return subprocess.run([sys.executable, REPORT, *options, file.name], capture_output=True, text=True)


class BenchReport(unittest.TestCase):
    def ratios(self, samples):
        found = json.loads(report(lines(samples), "--json").stdout)["ratios"]
        return {(r["ratio"], r["beside_libvirt"]): (r["value"], r["goal"], r["met"]) for r in found}

    def test_ratios_are_of_medians_and_know_their_goals(self):
        self.assertEqual(self.ratios(ONE), {
            ("claim + open / bare sysfs", False): (1.7, None, True),
            ("the same without the guard", False): (1.5, 1.5, True),
            ("claim + open / driverctl set-override", False): (0.85, 0.6, False),
            ("claim + open / virsh nodedev-detach", True): (0.45, 0.6, True)})

    def test_eight_in_one_claim(self):
        self.assertEqual(self.ratios(EIGHT), {("one claim / a claim for each", False): (0.5, 0.6, True)})

    def test_tables_show_it_all(self):
        said = report(lines(ONE + EIGHT)).stdout
        for words in ("kernel 6.12", "nic, 1 device: median of 3 rounds", "nic, 1 device, libvirtd running",
                      "100.0 (90.0-300.0)", "goal 0.6: MISSED", "goal 1.5: met", "nvme, 8 devices", "1180 KiB   0 in 30 s"):
            self.assertIn(words, said)

    def test_nothing_measured_is_a_failure(self):
        said = report(ABOUT)
        self.assertEqual((said.returncode, said.stdout), (1, ""))
        self.assertIn("nothing was measured", said.stderr)


if __name__ == "__main__":
    unittest.main()
