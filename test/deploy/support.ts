import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'

export const ROOT = resolve(import.meta.dirname, '../..')
export const DEPLOY = join(ROOT, 'examples/deploy')

export function deployText(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8')
}

/** Every document of a YAML file of examples/deploy. @throws Error for a mistake or a warning in it */
export function deployYaml<T>(path: string): T[] {
  return parseAllDocuments(deployText(path), { merge: true }).map((document) => {
    const complaint = document.errors[0] ?? document.warnings[0]
    if (complaint) throw complaint
    return document.toJS() as T
  })
}

/** A duration as these files have them (`90`, `60s`, `500ms`), in seconds. */
export function seconds(text: string | number): number {
  const [, amount, unit = 's'] = /^(\d+)(ms|s|m)?$/.exec(`${text}`)!
  return Number(amount) * { ms: 0.001, s: 1, m: 60 }[unit]!
}
