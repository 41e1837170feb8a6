import type { Guarantees } from '../../contracts/index.ts'

/** What the caller is warned of: where the credential is weaker than whoever reads "revoked" would assume. */
export function weaknesses({ revocable, endsSessions, diesByItself, notes = [] }: Guarantees): readonly string[] {
  return [
    ...(revocable === 'eventually' ? ['revoking this credential takes effect eventually, not at once'] : []),
    ...(revocable === 'never' ? ['this credential cannot be revoked: it gives access until it expires'] : []),
    ...(endsSessions ? [] : ['sessions that are open when this credential ends are not ended']),
    ...(diesByItself ? [] : ['the target does not end this credential by itself: it outlives its time while the broker is down']),
    ...notes
  ]
}
