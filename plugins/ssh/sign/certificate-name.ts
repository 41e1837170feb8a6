/** The name of a certificate, unique for ever in the whole broker. The store holds it to that: no serial comes twice, whatever happens to its count. */
export function certificateName(issuer: string, serial: number | string): string {
  return `ssh/${issuer}/${serial}`
}
