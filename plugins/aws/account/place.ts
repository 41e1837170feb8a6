import { BrokerError } from 'mayfly/plugin'

/** A part of AWS that shares nothing with the others: its accounts, its names and its addresses are its own. */
export type PartitionName = 'aws' | 'aws-cn' | 'aws-us-gov'

/** Where the two services of an account are, and what signatures name. */
export type Place = {
  readonly partition: PartitionName
  readonly region: string
  readonly iam: string
  readonly iamRegion: string
  readonly sts: string
}

interface Partition {
  readonly name: PartitionName
  readonly regions: RegExp
  readonly suffix: string
  readonly iam: string
  readonly iamRegion: string
}

// IAM is one service for a whole partition, signed for one of its regions.
const partitions: readonly Partition[] = [
  { name: 'aws-cn', regions: /^cn-/, suffix: 'amazonaws.com.cn', iam: 'iam.cn-north-1.amazonaws.com.cn', iamRegion: 'cn-north-1' },
  { name: 'aws-us-gov', regions: /^us-gov-/, suffix: 'amazonaws.com', iam: 'iam.us-gov.amazonaws.com', iamRegion: 'us-gov-west-1' },
  { name: 'aws', regions: /^/, suffix: 'amazonaws.com', iam: 'iam.amazonaws.com', iamRegion: 'us-east-1' }
]

const regionDefault = 'us-east-1'
const regionPattern = /^[a-z]{2}(-[a-z]+)+-\d$/
const serviceHost = /^(iam|sts)(-fips)?(?:\.([a-z]{2}(?:-[a-z]+)+-\d|us-gov))?\.(amazonaws\.com(?:\.cn)?)$/

/** What the operator of the broker says about addresses. */
interface Rules {
  readonly targetEndpoints: readonly string[]
  readonly targetTls: 'any' | 'verified'
}

export interface PlaceFields {
  readonly region: string
  readonly iamEndpoint: string
  readonly stsEndpoint: string
}

/** Throws `invalid_request` that names the field. Nothing of the environment is read: whoever may write this chooses where signed requests go, and so only among addresses of
 *  AWS and those that the broker's own configuration allows. */
export function placeOf({ region, iamEndpoint, stsEndpoint }: PlaceFields, rules: Rules): Place {
  const chosen = region === '' ? regionDefault : region
  if (!regionPattern.test(chosen)) throw refusal('region', 'expected one such as eu-central-1')
  const partition = partitionOf(chosen)
  const sts =
    stsEndpoint === '' ? `https://sts.${chosen}.${partition.suffix}` : allowed('sts_endpoint', 'sts', stsEndpoint, partition, rules)
  return {
    partition: partition.name,
    // STS takes a signature for the region of its address and for no other.
    region: regionAt(new URL(sts)) ?? chosen,
    iam: iamEndpoint === '' ? `https://${partition.iam}` : allowed('iam_endpoint', 'iam', iamEndpoint, partition, rules),
    iamRegion: partition.iamRegion,
    sts
  }
}

const partitionOf = (region: string): Partition => partitions.find(({ regions }) => regions.test(region))!

/** That of an address of AWS; nothing for any other. An address that names none is in the first of its partition. */
function regionAt(url: URL): string | undefined {
  const [, , , region, suffix] = serviceHost.exec(url.hostname) ?? []
  return suffix === undefined ? undefined : (region ?? (suffix.endsWith('.cn') ? 'cn-north-1' : regionDefault))
}

function allowed(field: string, service: string, text: string, partition: Partition, rules: Rules): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (
    !url ||
    !/^https?:$/.test(url.protocol) ||
    `${url.origin}${url.pathname === '/' && text.endsWith('/') ? '/' : ''}` !== text.toLowerCase()
  )
    throw refusal(field, 'expected an address such as https://HOST, and nothing behind the host')
  if (rules.targetTls === 'verified' && url.protocol !== 'https:')
    throw refusal(field, 'https is required, because targets.tls of the configuration is "verified"')
  if (rules.targetEndpoints.includes(url.origin)) return url.origin
  const [, of] = serviceHost.exec(url.hostname) ?? []
  const isOfAws = url.protocol === 'https:' && url.port === '' && of === service && url.hostname.endsWith(`.${partition.suffix}`)
  if (isOfAws && partitionOf(`${regionAt(url)}-`) === partition) return url.origin
  throw refusal(
    field,
    `expected https://${service}.REGION.${partition.suffix}; any other address has to be listed under targets.endpoints in the configuration of the broker`
  )
}

const refusal = (field: string, message: string) => new BrokerError('invalid_request', `${field}: ${message}`)
