import { oldJavaClient } from './harness/clients.js';
import { describeClient } from './harness/contract.js';

describeClient(oldJavaClient);
