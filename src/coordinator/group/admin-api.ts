import { ErrorCode } from '../../protocol/errors.js';
import type {
  DeleteGroupsRequest, DeleteGroupsResponseInput, DescribeGroupsRequest, DescribeGroupsResponseInput, ListGroupsRequest, ListGroupsResponseInput,
} from '../../protocol/messages.js';
import { describe } from './describe.js';
import type { GroupDescription } from './describe.js';
import type { GroupDirectory } from './directory.js';
import { deleteGroup } from './removal.js';

const NO_DESCRIPTION: GroupDescription = { groupState: '', protocolType: '', protocolData: '', members: [] };

/** DescribeGroups, ListGroups and DeleteGroups. */
export class GroupAdminApi {
  readonly #groups: GroupDirectory;

  constructor(groups: GroupDirectory) {
    this.#groups = groups;
  }

  async describeGroups(request: DescribeGroupsRequest): Promise<DescribeGroupsResponseInput> {
    return {
      groups: request.groups.map(groupId => {
        const located = this.#groups.locate(groupId);
        return located.ok
          ? { groupId, errorCode: ErrorCode.None, ...describe(located.shard.machine.find(groupId)) }
          : { groupId, errorCode: located.error, ...NO_DESCRIPTION };
      }),
    };
  }

  /** What this broker coordinates. Empty filters let everything through (KIP-518, KIP-848). */
  async listGroups(request: ListGroupsRequest): Promise<ListGroupsResponseInput> {
    const { runtime } = this.#groups;
    if (runtime.closed) return { errorCode: ErrorCode.CoordinatorNotAvailable };
    const states = new Set(request.statesFilter.map(state => state.toLowerCase()));
    const types = new Set(request.typesFilter.map(type => type.toLowerCase()));
    const groups = [];
    if (types.size === 0 || types.has('classic')) {
      for (const { machine } of runtime.active()) {
        for (const group of machine.groups()) {
          if (states.size > 0 && !states.has(group.state.toLowerCase())) continue;
          groups.push({ groupId: group.id, protocolType: group.protocolType ?? '', groupState: group.state, groupType: 'classic' });
        }
      }
    }
    return { errorCode: runtime.loading ? ErrorCode.CoordinatorLoadInProgress : ErrorCode.None, groups };
  }

  async deleteGroups(request: DeleteGroupsRequest): Promise<DeleteGroupsResponseInput> {
    const distinct = [...new Set(request.groupsNames)];
    return { results: await Promise.all(distinct.map(async groupId => ({ groupId, errorCode: await this.#delete(groupId) }))) };
  }

  #delete(groupId: string): ErrorCode | Promise<ErrorCode> {
    const located = this.#groups.locate(groupId);
    if (!located.ok) return located.error;
    const { shard } = located;
    const group = shard.machine.find(groupId);
    if (group === undefined) return ErrorCode.GroupIdNotFound;
    const decision = deleteGroup(group);
    shard.machine.forgetIfGone(group);
    return shard.submit(decision);
  }
}
