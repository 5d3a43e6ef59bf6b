import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from './compatibility-rows.ts'

/** The relative links of a Markdown text: links, pictures, and `src` and `href` of its HTML. Code is left out. */
export function relativeLinks(text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '')
  const found = [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)|(?:src|href)="([^"]+)"/g)]
  return found
    .map(([, link, attribute]) => (link ?? attribute)!)
    .filter((link) => !/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(link))
}

/** Links of a page that lead nowhere, as `file: link`. @param file relative to the project's root */
export function deadLinks(file: string, text: string): string[] {
  return relativeLinks(text)
    .filter((link) => !leadsSomewhere(file, text, link))
    .map((link) => `${file}: ${link}`)
}

function leadsSomewhere(file: string, text: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  if (path === '') return anchors(text).has(anchor!)
  const target = join(ROOT, dirname(file), decodeURIComponent(path))
  if (!existsSync(target)) return false
  return anchor === undefined || (statSync(target).isFile() && anchors(readFileSync(target, 'utf8')).has(anchor))
}

/** What GitHub calls the headings of a page. */
function anchors(text: string): Set<string> {
  const headings = [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => heading!)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  )
}
