"""The model of the tests: draws a clip with ffmpeg. A prompt that begins with one of the orders fails or takes longer."""

import json
import os
import re
import subprocess
import tempfile
import time
import uuid

from cog import BaseRunner, Input, Path

SIZES = {"9:16": "360x640", "16:9": "640x360", "1:1": "480x480"}


# A test watches the model by `runs.jsonl` in this folder, and holds it by a file `hold`.
CONTROL = os.environ.get("CONTROL_FOLDER")


def note(run: str, prompt: str, status: str) -> None:
    if CONTROL:
        with open(os.path.join(CONTROL, "runs.jsonl"), "a", encoding="utf8") as file:
            file.write(json.dumps({"run": run, "prompt": prompt, "status": status}) + "\n")


def is_held() -> bool:
    return CONTROL is not None and os.path.exists(os.path.join(CONTROL, "hold"))


class Runner(BaseRunner):
    def setup(self) -> None:
        subprocess.run(["ffmpeg", "-version"], check=True, stdout=subprocess.DEVNULL)

    def run(
        self,
        prompt: str = Input(
            description="Orders at its beginning: `sleep N` takes N seconds longer, `it shall fail` and `a broken cup` fail, `a forbidden cup` and `a refused picture` are refused."
        ),
        seconds: int = Input(default=5, ge=1, le=12),
        aspect_ratio: str = Input(default="9:16", choices=["9:16", "16:9", "1:1"]),
        seed: int = Input(default=0, ge=0),
    ) -> Path:
        run = str(uuid.uuid4())
        note(run, prompt, "processing")
        status = "canceled"
        try:
            out = self.draw(prompt, seconds, aspect_ratio, seed)
            status = "succeeded"
            return out
        except Exception:
            status = "failed"
            raise
        finally:
            note(run, prompt, status)

    def draw(self, prompt: str, seconds: int, aspect_ratio: str, seed: int) -> Path:
        wait = re.match(r"sleep (\d+)", prompt)
        end = time.monotonic() + (int(wait.group(1)) if wait else 0)
        # In short steps, so that a cancel ends the wait.
        while is_held() or time.monotonic() < end:
            time.sleep(0.05)
        if prompt.startswith("it shall fail"):
            raise ValueError("the model failed as the prompt says")
        if prompt.startswith("a broken cup"):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if prompt.startswith("a forbidden cup"):
            raise ValueError("The prompt was flagged by the safety checker.")
        out = os.path.join(tempfile.mkdtemp(), "out.mp4")
        hue = seed % 360
        source = f"testsrc2=size={SIZES[aspect_ratio]}:rate=24:duration={seconds},hue=h={hue}"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source]
            + ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-y", out],
            check=True,
        )
        if prompt.startswith("a refused picture"):
            raise ValueError("NSFW content detected. Try running it again, or try a different prompt.")
        return Path(out)
