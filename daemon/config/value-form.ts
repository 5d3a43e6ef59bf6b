/** What a text must look like. */
export type ValueForm = 'http-url' | 'address' | 'base64-32'

interface Form {
  /** As in `expected ...`. */
  readonly expected: string
  test(text: string): boolean
}

export const FORMS: Readonly<Record<ValueForm, Form>> = {
  'http-url': {
    expected: 'a URL that begins with http:// or https://',
    test: (text) => /^https?:\/\/[^/]/.test(text) && URL.canParse(text),
  },
  address: { expected: 'host:port or :port', test: isAddress },
  'base64-32': { expected: '32 bytes in base64', test: (text) => /^[A-Za-z0-9+/]{43}=$/.test(text) },
}

export function isOfForm(form: ValueForm, text: string): boolean {
  return FORMS[form].test(text)
}

function isAddress(text: string): boolean {
  const [match, port] = /^(?:\[[0-9a-fA-F:.%]+\]|[^\s:/[\]]*):(\d{1,5})$/.exec(text) ?? []
  return match !== undefined && Number(port) <= 65_535
}
