/**
 * A `tranship.yaml` to begin with: lines behind `##` are for people, what stands behind `# ` is an example and means
 * something once that is taken away. @param schema Where the JSON Schema is, as an editor finds it
 */
export function configTemplate(schema: string): string {
  return `# yaml-language-server: $schema=${schema}
## What tranship plan, pull, push, sync, verify, repair, serve, rootfs and deps do in this folder. Flags go before this file, and
## this file before environment variables. Relative paths are relative to this file.
version: 1

## Where packages and modules come from: registry and path; or oci:DIR, bundle:DIR.
source: registry.example.com/deckhouse/fe

## The bundle's folder, and the registry it goes to.
bundle: bundle
target: mirror.internal/deckhouse/fe

## All packages and modules of the source come unless something is said here. A name may say which versions.
# packages:
#   enabled: true # false leaves all of them out
#   include:
#     - console@^1.45
#     - name: alb
#       versions: ">=1.0 <2"
#   catalogMetadata: true # package-versions.tar, the release metadata of the whole catalog
#   targetPath: /packages # below the target
# modules:
#   enabled: true # false leaves all of them out
#   exclude: [csi-ceph, csi-nfs]
#   sourcePath: /modules # where the source keeps them
#   targetPath: /modules

## Images of any registries, beside packages and modules; alone, where there is no source.
# images:
#   include:
#     - alpine:3.20
#     - ghcr.io/org/app@^1 & latest-patch
#     - repository: quay.io/org/tool
#       range: ">=1.2 <3"
#       latest: 3
#       exclude: ["*-debug"]
#   exclude: ["*@*-rc*"]
#   host: keep # ghcr.io/org/app stays ghcr.io/org/app; strip makes org/app of it
#   prefix: third-party
#   rewrites:
#     - { from: quay.io/org, to: tools }

## Of images for several platforms only these; what to bring of attestations and signatures: all, vex, all-but-vex, none.
# platforms: [linux/amd64, linux/arm64]
# platformMode: narrow # sparse keeps indexes as they are, with their signatures, and leaves the other images out
# referrers: all
# onlyExtraImages: false # true brings nothing but what packages and modules list as extra images
# proxyRegistry: false # true for a source that cannot list tags

## How bundles are planned and written.
# pull:
#   chunkSize: 4GB # of files an archive is split into
#   checksums: [sha256]
#   base: [inventory.json] # what the other side has already is left out
#   keepGoing: false # true finishes everything else when something fails
#   accessTimeout: 15s # how long a catalog may give no answer
#   verboseSummary: false
#   force: false # true writes beside archives of somebody else
#   plan: plan.json # transfers exactly what this says, whatever is selected above
#   frozen: true

## How they are pushed, verified and served.
# push:
#   files: [extra/image-alpine.tar]
#   onConflict: overwrite # what becomes of a tag that names another image: overwrite, skip or fail
#   writeProbe: true
#   trustBundle: false
# verify:
#   place: bundle # or target, against the plan
#   plan: bundle/tranship.lock.json
#   evidence: evidence.json
# serve:
#   place: oci:images # the bundle unless told
#   listen: 127.0.0.1:5000
#   writable: false
#   credentials: { file: secrets/served }
#   tlsCert: tls/server.crt
#   tlsKey: tls/server.key
#   verbose: false

## How tranship rootfs makes root file systems of images.
# rootfs:
#   platform: linux/amd64 # this machine's unless told
#   mode: native # or dockerless (skopeo and umoci), or docker
#   journal: false # true for ext4 images that guests write to
#   layerCache: cache/layers # layers are kept there for the next time
#   jobs: 6 # layers fetched at once

## How registries are reached.
# connection:
#   timeout: 60s # without a byte; 0 for ever
#   proxy: http://proxy.internal:3128 # false for none
#   downloads: 8
#   uploads: 4
#   lookups: 8
#   requestsPerSecond: 50
#   bytesPerSecond: 20MB
#   ca: tls/ca.crt
# mirrors:
#   docker.io: mirror.internal/hub
#   registry.example.com/deckhouse: [near.internal/d8, far.internal/d8]

## Single registries. Credentials are never written here: say where they are. Without, docker's and podman's are used.
# registries:
#   registry.example.com:
#     credentials: { env: { license: LICENSE_TOKEN } } # the name of a variable
#     requestsPerSecond: 10
#   mirror.internal:
#     credentials: { env: { username: MIRROR_LOGIN, password: MIRROR_PASSWORD } }
#     ca: tls/mirror.crt
#     clientCert: tls/client.crt
#     clientKey: tls/client.key
#   ghcr.io:
#     credentials: { file: secrets/ghcr } # one line, username:password
#   docker.io:
#     credentials: { docker: true } # what docker or podman logged in with; or a path to such a file
#   registry.test:5000:
#     insecure: true # plain HTTP
#     tlsSkipVerify: false
#     proxy: false
`;
}
