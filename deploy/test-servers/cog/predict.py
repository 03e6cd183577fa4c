"""The model of the tests: draws a clip with ffmpeg. Words in the prompt make it fail or take longer."""

import os
import re
import subprocess
import tempfile
import time

from cog import BaseRunner, Input, Path

SIZES = {"9:16": "360x640", "16:9": "640x360", "1:1": "480x480"}


class Runner(BaseRunner):
    def setup(self) -> None:
        subprocess.run(["ffmpeg", "-version"], check=True, stdout=subprocess.DEVNULL)

    def run(
        self,
        prompt: str = Input(description="`sleep N` takes N seconds longer, `fail` fails."),
        seconds: int = Input(default=5, ge=1, le=12),
        aspect_ratio: str = Input(default="9:16", choices=["9:16", "16:9", "1:1"]),
        seed: int = Input(default=0, ge=0),
    ) -> Path:
        wait = re.search(r"sleep (\d+)", prompt)
        end = time.monotonic() + (int(wait.group(1)) if wait else 0)
        # In short steps, so that a cancel ends the wait.
        while time.monotonic() < end:
            time.sleep(0.05)
        if re.search(r"\bfail\b", prompt):
            raise ValueError("the model failed as the prompt says")
        out = os.path.join(tempfile.mkdtemp(), "out.mp4")
        hue = seed % 360
        source = f"testsrc2=size={SIZES[aspect_ratio]}:rate=24:duration={seconds},hue=h={hue}"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source]
            + ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-y", out],
            check=True,
        )
        return Path(out)
