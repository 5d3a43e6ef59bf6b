/** A signal that ends with either of two, of which one or both may be lacking. */
export function eitherSignal(own: AbortSignal | undefined, closing: AbortSignal): AbortSignal
export function eitherSignal(own: AbortSignal | undefined, closing: AbortSignal | undefined): AbortSignal | undefined
export function eitherSignal(own: AbortSignal | undefined, closing: AbortSignal | undefined): AbortSignal | undefined {
  return own && closing ? AbortSignal.any([own, closing]) : (own ?? closing)
}
