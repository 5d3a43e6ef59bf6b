/** The URL without its password and without the values of secret parameters: fit to be shown. */
export function redactURL(text: string): string {
  return text
    .replace(
      /^([a-z][a-z0-9+.-]*:\/{0,2})([^/?#]*)@/is,
      (_, scheme: string, login: string) => `${scheme}${login.replace(/:.*/s, ':***')}@`,
    )
    .replace(/(\?.*(?:\/\/|%2F%2F))[^/?#&@]*(@|%40)/gi, '$1***$2') // in an endpoint parameter
    .replace(/([?&](?:[^=&#]*(?:key|secret|token|password|credential|signature|sig)[^=&#]*)=)[^&#]*/gi, '$1***')
}
