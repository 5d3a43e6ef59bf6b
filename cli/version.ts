import { readFile } from 'node:fs/promises'
import { defineCommand } from './command.ts'
import { boolFlag } from './flags.ts'
import { print } from './io.ts'

const USAGE = `Prints the version.

Usage:

\tlitetap version [arguments]

Arguments:

\t-verbose
\t    Print the versions of the runtime and of SQLite, and OS/arch.
`

export const version = defineCommand({
  name: 'version',
  usage: USAGE,
  flags: { verbose: boolFlag() },
  async run(io, flags) {
    const text = await packageVersion()
    if (!flags.verbose) {
      print(io.stdout, text)
      return 0
    }
    print(io.stdout, `Version:     ${text}`)
    print(io.stdout, `Node:        ${process.version}`)
    print(io.stdout, `SQLite:      ${process.versions.sqlite ?? 'unknown'}`)
    print(io.stdout, `OS/Arch:     ${goPlatform(process.platform)}/${goArch(process.arch)}`)
    return 0
  },
})

/** This package's version, `v` in front: from the nearest package.json above, which is ours in the source and in dist. */
export async function packageVersion(): Promise<string> {
  for (let dir = new URL('./', import.meta.url); ; dir = new URL('../', dir)) {
    const text = await readFile(new URL('package.json', dir), 'utf8').catch(() => undefined)
    const manifest = text === undefined ? {} : (JSON.parse(text) as { name?: string; version?: string })
    if (manifest.name === 'litetap') return `v${manifest.version}`
    if (dir.pathname === new URL('../', dir).pathname) return '(development build)'
  }
}

/** Go's word for a platform, which is what container images and downloads are named after. */
function goPlatform(platform: string): string {
  return platform === 'win32' ? 'windows' : platform
}

function goArch(arch: string): string {
  return { x64: 'amd64', ia32: '386' }[arch] ?? arch
}
