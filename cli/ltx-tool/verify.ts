import { defineCommand } from '../command.ts'
import { print } from '../io.ts'
import { fileTrouble, somePaths, withLtx } from './files.ts'

const USAGE = `The verify command reads one or more LTX files whole and checks them.

Usage:

\tlitetap ltx-tool verify PATH [PATH...]

It prints "ok", or what is wrong with each damaged file and "N ok, M invalid";
the exit code is 1 then.

`

export const verify = defineCommand({
  name: 'verify',
  usage: USAGE,
  flags: {},
  async run(io, _flags, args) {
    const paths = somePaths(args, 'litetap ltx-tool verify app/ltx/0/*.ltx')
    let invalid = 0
    for (const path of paths) {
      try {
        await withLtx(io, path, (reader) => reader.close())
      } catch (error) {
        invalid++
        print(io.stdout, fileTrouble(path, error))
      }
    }
    print(io.stdout, invalid === 0 ? 'ok' : `${paths.length - invalid} ok, ${invalid} invalid`)
    return invalid === 0 ? 0 : 1
  },
})
