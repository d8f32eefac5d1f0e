"""RunPod's hub asks for a file of this name. The worker is no Python program; this starts it as the image does."""

import os

START = ["/usr/bin/tini", "-s", "--", "/opt/npu-dispatch/start"]

if __name__ == "__main__":
    os.execv(START[0], START)
