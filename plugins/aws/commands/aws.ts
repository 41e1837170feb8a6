import type { AskingCommand, ProgramPlan } from 'mayfly/plugin'
import { processCredential } from './credential-process.ts'
import { Interruption } from './interruption.ts'
import { keysOf, roleOptions, roleRequest } from './role-request.ts'
import type { RoleRequest } from './role-request.ts'

/** `mayfly aws`: the keys of a role, for SDKs that ask or for one program. */
export const aws: AskingCommand = {
  name: 'aws',
  summary: 'AWS keys of a role: for credential_process, or for a program behind --',
  takes: { '<role>': 'a role of the mount, such as deploy', '[program...]': 'behind --, with its arguments: a program that gets the keys' },
  options: { ...roleOptions, '--fresh': 'new keys, whatever an earlier run has left' },
  details: `Without a command it prints what credential_process of the AWS SDKs reads, and keeps it for the next run of the same user:
in memory where there is a place for that, for you alone, until less than a third of its life is left. A profile for ~/.aws/config:

  [profile deploy]
  credential_process = mayfly aws deploy

With a command the program gets the keys in its environment, and they end with it.`,
  examples: ['mayfly aws deploy', 'mayfly aws deploy -- aws s3 ls', 'mayfly aws --ttl 1h --ticket OPS-12 deploy'],
  async run(call) {
    const [role, ...command] = call.args
    const { path, fields } = roleRequest(call, role)
    // A program that is started with keys that AWS does not know yet fails at its first call.
    const request = { path, fields: { ...fields, wait: 'usable' } }
    if (command.length > 0) return await call.runProgram(programPlan(request, command))
    // What is on its way is kept for the next run.
    using interruption = new Interruption()
    const credential = await processCredential(call, request)
    if (interruption.code !== undefined) return interruption.code
    call.screen.text(JSON.stringify(credential))
    return 0
  }
}

function programPlan({ path, fields }: RoleRequest, [program = '', ...args]: readonly string[]): ProgramPlan {
  return {
    program,
    args,
    lease: path,
    fields,
    environment: credential => {
      const { accessKey, secretKey, sessionToken } = keysOf(credential)
      return { ...forgotten, AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey, AWS_SESSION_TOKEN: sessionToken }
    }
  }
}

/** Of the user's own: they would lead to other keys. */
const forgotten = {
  AWS_SECURITY_TOKEN: undefined,
  AWS_CREDENTIAL_EXPIRATION: undefined,
  AWS_PROFILE: undefined,
  AWS_DEFAULT_PROFILE: undefined,
  AWS_CREDENTIAL_FILE: undefined,
  AWS_ROLE_ARN: undefined,
  AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: undefined,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined
}
