import { type Copy, DockerfileParser, type Instruction, JSONInstruction } from 'dockerfile-ast'
import { describe, expect, test } from 'vitest'
import packageJSON from '../../package.json' with { type: 'json' }
import { deployText } from './support.ts'

/** A Dockerfile's instructions by keyword. */
function read(path: string) {
  const file = DockerfileParser.parse(deployText(path))
  const instructions = file.getInstructions()
  const all = (keyword: string) => instructions.filter((instruction) => instruction.getKeyword() === keyword)
  return { all, stages: file.getFROMs(), instructions }
}

/** The words of an instruction in exec form. */
function words(instruction: Instruction): string[] {
  expect(instruction).toBeInstanceOf(JSONInstruction)
  return JSON.parse(instruction.getRawArgumentsContent()!) as string[]
}

/** Rules of hadolint that concern these files, and our own. */
function mistakes(path: string): string[] {
  const { stages, instructions, all } = read(path)
  const found: string[] = []
  for (const from of stages) if (!/:\S*\d/.test(from.getImage() ?? '')) found.push(`${from.getImage()}: no version`)
  for (const name of ['CMD', 'ENTRYPOINT']) {
    if (all(name).length > 1) found.push(`${name} more than once`)
    for (const one of all(name)) if (!(one as JSONInstruction).getOpeningBracket()) found.push(`${name} in shell form`)
  }
  for (const instruction of instructions) {
    const text = instruction.getRawArgumentsContent() ?? ''
    const keyword = instruction.getKeyword()
    if (keyword === 'ADD') found.push('ADD instead of COPY')
    if (keyword === 'MAINTAINER') found.push('MAINTAINER is deprecated')
    if (keyword === 'WORKDIR' && !text.startsWith('/')) found.push(`WORKDIR ${text} is relative`)
    if (keyword === 'RUN' && /\bsudo\b|apt-get upgrade|\bcd /.test(text)) found.push(`RUN ${text}`)
    if (keyword === 'ENV' && /(?:SECRET|TOKEN|PASSWORD|ACCESS_KEY)/.test(text)) found.push('a secret in the image')
    if (!/^[A-Z]+$/.test(instruction.getInstruction())) found.push(`${instruction.getInstruction()} in small letters`)
  }
  return found
}

test.each(['docker/Dockerfile', 'fly/Dockerfile'])('%s breaks no rule', (path) => {
  expect(mistakes(path)).toEqual([])
})

describe('the image', () => {
  const { all, stages } = read('docker/Dockerfile')

  test('is made in two stages on a Node that litetap runs on', () => {
    expect(stages).toHaveLength(2)
    const least = Number(/\d+/.exec(packageJSON.engines.node)![0])
    for (const from of stages) {
      expect(from.getImageName()).toBe('node')
      // An even major that is newer than the least one has all of node:sqlite that is used.
      expect(Number.parseInt(from.getImageTag()!, 10)).toBeGreaterThan(least)
    }
  })

  test('runs as a user that is known to be none but 65532, last of all', () => {
    expect(all('USER').map((user) => user.getRawArgumentsContent())).toEqual(['65532:65532'])
    const line = all('USER')[0]!.getRange().start.line
    for (const run of all('RUN')) expect(run.getRange().start.line).toBeLessThan(line)
  })

  test('starts litetap itself, and has no command of its own', () => {
    expect(words(all('ENTRYPOINT')[0]!)).toEqual(['node', '--max-semi-space-size=1', '/opt/litetap/dist/cli/main.js'])
    expect(all('CMD')).toEqual([])
  })

  test('says what it is, in the version of the package', () => {
    const labels = all('LABEL')[0]!.getRawArgumentsContent()!
    expect(labels).toContain(`org.opencontainers.image.version="${packageJSON.version}"`)
    expect(labels).toContain(`org.opencontainers.image.licenses="${packageJSON.license}"`)
  })

  test('gets what is needed at run time, and no more of the build', () => {
    const copied = all('COPY').slice(-3)
    for (const copy of copied) expect((copy as Copy).getFromFlag()?.getValue()).toBe('build')
    const text = copied.map((copy) => copy.getRawArgumentsContent()).join('\n')
    for (const name of ['package.json', 'node_modules', 'dist']) expect(text).toContain(`/opt/litetap/${name}`)
  })

  test('what is not needed to build is not sent', () => {
    const ignored = deployText('docker/Dockerfile.dockerignore').split('\n')
    for (const name of ['.git', 'node_modules', 'dist', 'test', 'bench']) expect(ignored).toContain(name)
    for (const name of ['tools', 'examples', 'cli', 'package-lock.json']) expect(ignored).not.toContain(name)
  })
})
