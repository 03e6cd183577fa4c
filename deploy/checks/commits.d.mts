/** What is wrong with the subject of a commit. Undefined: nothing. */
export function subjectError(subject: string): string | undefined;

/**
 * One line for each commit of the repository at `root` with a wrong subject. Default of `range`: the last 50 commits, or as
 * many as a shallow clone has. Undefined when `root` is not a repository, for example an exported archive. Throws a
 * `UsageError` for a range that git does not know.
 */
export function commitErrors(root: string, range?: string): string[] | undefined;
