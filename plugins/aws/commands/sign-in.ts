/** The sign-in URL of the AWS console for the keys of a session. AWS gives a token for them, which is good for 15 minutes; the keys themselves are not in the URL. */
import { BrokerError, z } from 'mayfly/plugin'
import type { Keys } from './role-request.ts'

export interface SignInPlaces {
  readonly federation: string
  readonly console: string
}

const answerMsMax = 10_000
const answerBytesMax = 64 * 1024
const issuer = 'mayfly'

const domains = new Map([
  ['aws', 'aws.amazon.com'],
  ['aws-cn', 'amazonaws.cn'],
  ['aws-us-gov', 'amazonaws-us-gov.com']
])

/** By the partition that an ARN names. */
export function signInPlaces(arn: string | undefined): SignInPlaces {
  const partition = arn?.split(':')[1] ?? 'aws'
  const domain = domains.get(partition)
  if (domain === undefined) throw new BrokerError('invalid_request', `no console is known for the partition ${partition}`)
  return { federation: `https://signin.${domain}/federation`, console: consoleOf(domain) }
}

const consoleOf = (domain: string): string => `https://console.${domain}/`

/** Before there are keys, which say in which partition they are: what is a page of no console needs none. */
export function refuseDestination(destination: string | undefined): void {
  const consoles = [...domains.values()].map(consoleOf)
  if (destination !== undefined && !consoles.some(one => isPageOf(one, destination))) throw noPage(consoles[0]!)
}

export async function signInUrl(keys: Keys, places: SignInPlaces, destination: string | undefined, signal: AbortSignal): Promise<string> {
  if (keys.sessionToken === undefined)
    throw new BrokerError(
      'invalid_request',
      'the console takes sessions only: an assumed_role or a federation_token, not the keys of a user'
    )
  const asked = { Action: 'login', Issuer: issuer, Destination: destinationOf(places, destination) }
  const SigninToken = await signInToken(keys as Keys & { readonly sessionToken: string }, places, signal)
  return `${places.federation}?${new URLSearchParams({ ...asked, SigninToken }).toString()}`
}

/** Only the console itself: whoever follows the URL is logged in there. */
function destinationOf(places: SignInPlaces, destination: string | undefined): string {
  if (destination === undefined) return places.console
  if (!isPageOf(places.console, destination)) throw noPage(places.console)
  return new URL(destination).href
}

function isPageOf(console: string, destination: string): boolean {
  const url = URL.canParse(destination) ? new URL(destination) : undefined
  const home = new URL(console).hostname
  return url?.protocol === 'https:' && (url.hostname === home || url.hostname.endsWith(`.${home}`)) && url.username === ''
}

const noPage = (console: string) => new BrokerError('invalid_request', `destination: expected a page of ${console}`)

async function signInToken(
  { accessKey, secretKey, sessionToken }: Keys & { readonly sessionToken: string },
  places: SignInPlaces,
  signal: AbortSignal
) {
  const session = JSON.stringify({ sessionId: accessKey, sessionKey: secretKey, sessionToken })
  const asked = new URLSearchParams({ Action: 'getSigninToken', Session: session }).toString()
  const reply = await fetch(`${places.federation}?${asked}`, {
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)])
  }).catch((cause: unknown) => {
    throw new BrokerError('target_unreachable', `cannot reach ${new URL(places.federation).host}`, { cause })
  })
  if (!reply.ok) throw new BrokerError('target_refused', `AWS gives no sign-in token for these keys (${reply.status})`)
  const text = await reply.text()
  const answered = text.length <= answerBytesMax ? z.object({ SigninToken: z.string().min(1) }).safeParse(parsed(text)) : undefined
  if (!answered?.success) throw new BrokerError('target_refused', 'AWS answered without a sign-in token')
  return answered.data.SigninToken
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
