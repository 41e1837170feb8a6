/** What JSON can hold. Fields, handles, recipes and orders are of this type. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }
