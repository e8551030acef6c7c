import { ProduceRequestView, ProduceResponseEncoder } from '../../src/protocol/hot/produce.js';
import { FetchRequestView, FetchResponseEncoder } from '../../src/protocol/hot/fetch.js';
import { FetchRequest, ProduceRequest } from '../../src/protocol/messages.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';
const enc=(c:any,m:any,v:number)=>{const w=new Writer();c.encode(w,m,v);return Buffer.from(w.finish())};
const cpu=(name:string,n:number,f:()=>void)=>{ for(let i=0;i<20000;i++) f(); const t=process.cpuUsage(); const g0=process.memoryUsage().heapUsed; for(let i=0;i<n;i++) f(); const u=process.cpuUsage(t); console.log(name.padEnd(34), ((u.user+u.system)*1000/n).toFixed(0),'ns'); };
for (const P of [1,50]) {
const frame=enc(ProduceRequest,{acks:-1,timeoutMs:30000,topicData:[{name:'measurements',partitionData:Array.from({length:P},(_,index)=>({index,records:Buffer.alloc(100)}))}]},9);
const view=new ProduceRequestView(); const N=P===1?3_000_000:200_000;
cpu(`produce req in place ${P}`,N,()=>view.decode(frame,0,frame.length,9));
const rd=new Reader(frame); cpu(`produce req generated ${P}`,N/4,()=>{ProduceRequest.decode(rd.reset(frame),9)});
const target=Buffer.alloc(65536), w=new Writer(16), e=new ProduceResponseEncoder();
cpu(`produce resp ${P}`,N,()=>{w.reset(target,0,target.length); e.begin(w,9,1); e.topic('measurements',P); for(let p=0;p<P;p++) e.partition(p,0,0,-1,0); e.end(0)});
const ff=enc(FetchRequest,{maxWaitMs:500,minBytes:1,topics:[{topic:'measurements',partitions:Array.from({length:P},(_,partition)=>({partition,fetchOffset:1000000,partitionMaxBytes:1<<20}))}]},12);
const fv=new FetchRequestView(); cpu(`fetch req in place ${P}`,N,()=>fv.decode(ff,0,ff.length,12));
const fe=new FetchResponseEncoder(); const st={errorCode:0,highWatermark:1e6,lastStableOffset:1e6,logStartOffset:0};
cpu(`fetch resp ${P}`,N,()=>{w.reset(target,0,target.length); fe.begin(w,12,0,0,0,1); fe.topic('measurements','',P); for(let p=0;p<P;p++) fe.partition(p,st,1<<20); fe.end()});
}
