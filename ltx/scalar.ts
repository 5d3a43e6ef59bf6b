declare const SCALAR: unique symbol

/**
 * A number that means one thing: the compiler refuses one that is named to mean another. A plain number, of which nothing
 * is known, it takes: literals and sums need no casts.
 */
export type Scalar<T extends number | bigint, Meaning extends string> = T & { readonly [SCALAR]?: Meaning }
