// Kafka's own encoders, asked for payloads that znodes.test.ts builds too: one line "name<TAB>json" each.
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import kafka.api.LeaderAndIsr;
import kafka.cluster.Broker;
import kafka.cluster.EndPoint;
import kafka.controller.LeaderIsrAndControllerEpoch;
import kafka.controller.ReplicaAssignment;
import kafka.zk.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.feature.Features;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.metadata.LeaderRecoveryState;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.server.common.ProducerIdsBlock;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

public class ZnodeJson {
    static void say(String name, byte[] json) {
        System.out.println(name + "\t" + new String(json, java.nio.charset.StandardCharsets.UTF_8));
    }

    static <T> Seq<T> seq(List<T> list) {
        return CollectionConverters.asScala(list).toSeq();
    }

    static List<Object> ints(int... values) {
        List<Object> list = new ArrayList<>();
        for (int value : values) list.add(value);
        return list;
    }

    public static void main(String[] args) {
        for (int partitions : new int[] {1, 2, 3, 5, 11, 12, 13, 50, 200}) {
            Map<TopicPartition, ReplicaAssignment> assignment = new LinkedHashMap<>();
            for (int p = 0; p < partitions; p++) {
                boolean moving = p % 7 == 3;
                assignment.put(new TopicPartition("t", p), new ReplicaAssignment(seq(ints(p % 3, p % 3 + 1)), seq(moving ? ints(p % 3 + 1) : ints()), seq(moving ? ints(p % 3) : ints())));
            }
            say("topic " + partitions, TopicZNode.encode(Option.apply(Uuid.fromString("AAAAAAAAAAAAAAAAAAAAAQ")), CollectionConverters.asScala(assignment)));
            say("topic without id " + partitions, TopicZNode.encode(Option.empty(), CollectionConverters.asScala(assignment)));
        }
        for (LeaderRecoveryState recovery : LeaderRecoveryState.values()) {
            LeaderAndIsr state = LeaderAndIsr.apply(1, 7, seq(ints(1, 2, 3)).toList(), recovery, 5);
            say("state " + recovery.value(), TopicPartitionStateZNode.encode(new LeaderIsrAndControllerEpoch(state, 9)));
        }
        for (int listeners = 1; listeners <= 9; listeners++) {
            for (String rack : new String[] {null, "rack \"é"}) {
                List<EndPoint> endPoints = new ArrayList<>();
                for (int l = 0; l < listeners; l++) {
                    SecurityProtocol protocol = SecurityProtocol.forId((short) ((l + listeners) % 4));
                    endPoints.add(new EndPoint(l % 3 == 2 ? "::1" : "host" + l, 9000 + l, new ListenerName("LISTENER" + l), protocol));
                }
                Broker broker = new Broker(1, seq(endPoints), Option.apply(rack), Features.emptySupportedFeatures());
                String json = new String(BrokerInfo.apply(broker, MetadataVersion.latestProduction(), -1).toJsonBytes(), java.nio.charset.StandardCharsets.UTF_8);
                say("broker " + listeners + " " + (rack != null), json.replaceAll("\"timestamp\":\"\\d+\"", "\"timestamp\":\"123\"").getBytes(java.nio.charset.StandardCharsets.UTF_8));
            }
        }
        for (int keys : new int[] {0, 1, 2, 3, 6, 7, 11, 12, 13, 23, 24, 25, 40}) {
            Properties config = new Properties();
            for (int k = 0; k < keys; k++) config.setProperty("some." + (k * 7919 % 1000) + ".config.ms", "value" + k);
            say("config " + keys, ConfigEntityZNode.encode(config));
        }
        say("config change", ConfigEntityChangeNotificationSequenceZNode.encode("users/a%20b/clients/<default>"));
        say("controller", ControllerZNode.encode(3, 1234567890123L, -1));
        say("controller epoch", ControllerEpochZNode.encode(42));
        say("cluster id", ClusterIdZNode.toJson("4PS4LEnzTFyT4aG46Oau9g"));
        for (int features = 0; features <= 7; features++) {
            Map<String, Object> levels = new LinkedHashMap<>();
            for (int f = 0; f < features; f++) levels.put("feature." + f, (short) (f + 1));
            scala.collection.immutable.Map<String, Object> map = scala.collection.immutable.Map.from(CollectionConverters.asScala(levels));
            say("feature " + features, FeatureZNode.encode(new FeatureZNode(2, FeatureZNodeStatus.Enabled$.MODULE$, map)));
        }
        say("producer ids", ProducerIdBlockZNode.generateProducerIdBlockJson(new ProducerIdsBlock(2, 9007199254000L, 1000)));
        say("log dir event", LogDirEventNotificationSequenceZNode.encode(4));
        scala.collection.mutable.LinkedHashSet<TopicPartition> set = new scala.collection.mutable.LinkedHashSet<>();
        set.add(new TopicPartition("orders", 0));
        set.add(new TopicPartition("a.b_c-d", 17));
        say("isr change", IsrChangeNotificationSequenceZNode.encode(set));
        say("preferred", PreferredReplicaElectionZNode.encode(scala.collection.immutable.Set.from(set)));
        Map<TopicPartition, Seq<Object>> reassignment = new LinkedHashMap<>();
        reassignment.put(new TopicPartition("orders", 0), seq(ints(1, 2)));
        reassignment.put(new TopicPartition("orders", 1), seq(ints(3)));
        say("reassign", ReassignPartitionsZNode.encode((scala.collection.Map) CollectionConverters.asScala(reassignment)));
    }
}
