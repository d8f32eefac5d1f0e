// What `kaniko --help` and `kaniko version` print.

/** As the executor prints its own; the flags are those of this one. The same as in worker/image/versions.json. */
export const VERSION = "Kaniko version :  v1.28.3\n";

export const USAGE = `Usage: kaniko --context=<folder> --dockerfile=<file> --destination=<image> [flags]
       kaniko version

Builds an image from a Dockerfile without a Docker daemon and pushes it. The flags are those of kaniko's executor:
https://github.com/osscontainertools/kaniko#additional-flags

Who builds is configured in the worker's environment:
  BUILDKIT_HOST        a BuildKit daemon, by buildctl (KANIKO_BUILDCTL, KANIKO_BUILDKIT_TLS_DIR)
  KANIKO_SIDECAR_DIR   a container beside this one with kaniko's executor, by a folder that both have
  KANIKO_BACKEND       buildkit, sidecar or executor, where more than one is there

Credentials are read from config.json of DOCKER_CONFIG, else of /kaniko/.docker, else of ~/.docker.
Exit code: the builder's own; 2 when nothing could be built here, with the reason.
`;
