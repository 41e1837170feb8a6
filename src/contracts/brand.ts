declare const brand: unique symbol

/** A type that only its maker can make: `Brand<string, 'LeaseId'>` is no plain string to the compiler, and one at run time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** `<request path>/<24 base62 characters>`, such as `database/creds/readonly/PcMyBdsvGGWdgK8x0hCJbC2r`. */
export type LeaseId = Brand<string, 'LeaseId'>

/** One version of one set of settings that a backend reaches: the unit of fairness, batching, back-off and circuit. In clear, never reused. */
export type TargetId = Brand<string, 'TargetId'>
