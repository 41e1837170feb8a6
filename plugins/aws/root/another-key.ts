/** Two keys are all that a user may have; of a second one nobody here knows who uses it. */
export const anotherKey = (user: string, accessKey: string): string =>
  `user ${user} has another access key, ${accessKey}, and AWS allows two: delete it first`
