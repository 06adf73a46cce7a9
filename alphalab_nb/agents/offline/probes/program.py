import subprocess
import sys

done = subprocess.run([sys.executable, *@ARGUMENTS@], capture_output=True, text=True, timeout=@SECONDS@, stdin=subprocess.DEVNULL)
print(done.stdout + done.stderr, end="")
print(f"\n[exit {done.returncode}]")
