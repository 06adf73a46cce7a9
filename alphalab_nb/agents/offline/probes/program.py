"""Run a Python program with this kernel's interpreter."""
import json
import subprocess
import sys

arguments = json.loads(r"""@ARGUMENTS@""")
done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=float("@SECONDS@"), stdin=subprocess.DEVNULL)
print(done.stdout + done.stderr, end="")
print(f"\n[exit {done.returncode}]")
