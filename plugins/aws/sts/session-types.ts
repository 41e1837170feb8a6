import type { CredentialKind } from '../role/credential-kind.ts'
import { sessionCredential } from './session-credential.ts'
import type { SessionKind } from './session-kinds.ts'
import { planSession } from './session-plan.ts'
import { sessionMistakes, sessionWarnings } from './session-rules.ts'

/** The credential types of STS, as rows of the table of credential types. */
export const sessionTypes: readonly CredentialKind[] = (['assumed_role', 'federation_token', 'session_token'] as const).map(typeOf)

function typeOf(kind: SessionKind): CredentialKind {
  return {
    type: kind,
    mistakes: role => sessionMistakes(kind, role),
    warnings: role => sessionWarnings(kind, role),
    plan: async (engine, asked) => planSession(engine, kind, asked),
    credential: engine => sessionCredential(engine, kind)
  }
}
