const HIDDEN = '(hidden)'

const SECRET_HEADERS = /security-token|customer-key|session-token|cookie|x-amz-s3session/i

/** Headers as they may be shown: of Authorization all but the signature, nothing of tokens and customer keys. */
export function hiddenHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const shown = Object.entries(headers).map(([name, value]) => {
    if (SECRET_HEADERS.test(name)) return [name.toLowerCase(), HIDDEN]
    return [name.toLowerCase(), /^authorization$/i.test(name) ? hiddenText(value) : value]
  })
  return Object.fromEntries(shown)
}

/**
 * Text with what is secret in it made unreadable: signatures, and what a server repeats of a request that it did not
 * accept (its canonical form holds tokens and customer keys).
 */
export function hiddenText(text: string): string {
  return text
    .replace(/\b(Signature=)[0-9a-f]+/gi, `$1${HIDDEN}`)
    .replace(/\b(X-Amz-(?:Signature|Security-Token)=)[^&\s]+/gi, `$1${HIDDEN}`)
    .replace(
      /<(StringToSign|StringToSignBytes|CanonicalRequest|CanonicalRequestBytes|SignatureProvided)>[\s\S]*?(<\/\1>|$)/g,
      `<$1>${HIDDEN}$2`,
    )
    .replace(/\b(x-amz-[a-z-]*(?:security-token|customer-key(?:-md5)?|session-token))\s*:\s*[^\s<]+/gi, `$1:${HIDDEN}`)
    .replace(/<(SecretAccessKey|SessionToken|Token-0)>[\s\S]*?(<\/\1>|$)/g, `<$1>${HIDDEN}$2`)
}
