# A handler for RunPod's own Python SDK: notes that it began the job, works for a while, returns what it was given.
import os
import time

import runpod


def handler(job):
    given = job["input"]
    note = os.open(given["began"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(note, (job["id"] + "\n").encode())
    os.close(note)
    time.sleep(given["ms"] / 1000)
    return {"number": given["number"]}


runpod.serverless.start({"handler": handler})
