import { BrokerError } from 'mayfly/plugin'
import type { Guarantees, Issuance } from 'mayfly/plugin'
import { readLease } from '../config-lease.ts'
import type { Asked } from '../role/credential-kind.ts'
import type { Engine } from '../engine.ts'
import { targetOf } from '../root/root-config.ts'
import type { Role } from '../role/role.ts'
import type { Guard } from './dead-man.ts'
import { callsOfIssue } from './frozen.ts'
import type { Handle, Order, Recipe } from './frozen.ts'
import { pathOf } from './mark.ts'
import { newUserName } from './user-name.ts'

// Of AWS, as is the longest name of a role here.
const policyNameCharsMax = 128

/** The name is chosen here, so that it is on record before AWS hears of it. Its calls wait here for their turn: a user that is begun and waits behind others would be late, and a user that
 *  is late is one more to be ended. */
export async function planUser(
  engine: Engine,
  { request, name, role, roleVersion, root, storage }: Asked,
  signal: AbortSignal
): Promise<Issuance> {
  const { fields, caller } = request
  if (fields.wait !== undefined && fields.wait !== '' && fields.wait !== 'usable')
    throw new BrokerError('invalid_request', 'wait: expected "usable"')
  const { lease, leaseMax } = await readLease(storage)
  const userName = newUserName(caller.displayName, name, engine.context.random)
  const guard = role.guard ?? 'full'
  const recipe = recipeOf(engine, name, role, guard)
  const { account } = await engine.accounts.ofVersion(root.config.version)
  const paid = callsOfIssue(recipe)
  await account.beginIam(paid, signal)
  return {
    credential: 'iam_user',
    target: targetOf(engine, 'iam_user', root.config.version),
    role: name,
    roleVersion,
    recipe,
    handle: { v: 1, name: userName } satisfies Handle,
    order: {
      role: name,
      requester: caller.displayName,
      waitUntilUsable: fields.wait === 'usable' || role.waitUntilUsable === true,
      paid
    } satisfies Order,
    name: userName,
    visible: { username: userName, account: root.account },
    ttl: fields.ttl ?? lease,
    maxTtl: leaseMax,
    renewable: true,
    outlivesToken: role.leaseOutlivesToken === true,
    guarantees: guaranteesOf(guard)
  }
}

function recipeOf(engine: Engine, name: string, role: Role, guard: Guard): Recipe {
  return {
    path: pathOf(engine.context, role.userPath),
    boundary: role.permissionsBoundaryArn,
    policyArns: role.policyArns ?? [],
    // Beside those that end the user, never in their place.
    policyName: (name.toLowerCase().startsWith('mayfly-') ? `role-${name}` : name).slice(0, policyNameCharsMax),
    policyDocument: role.policyDocument,
    groups: role.iamGroups ?? [],
    tags: Object.entries(role.iamTags ?? {}).map(([Key, Value]) => ({ Key, Value })),
    guard
  }
}

/** IAM hears of every change in its own time: nothing about it is at once. */
function guaranteesOf(guard: Guard): Guarantees {
  return {
    revocable: 'eventually',
    endsSessions: guard === 'full',
    diesByItself: true,
    listable: true,
    observable: 'sampled',
    notes: [
      'AWS takes some seconds to hear of a new key, of its end, and of a renewal',
      ...(guard === 'full' ? [] : ['the user may swap its key for a session of STS, which ends by itself and not with the user'])
    ]
  }
}
