// One client family of harness/clients.ts: Apache Kafka's own Java client. The contract is told there.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class InteropClient {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final JsonNode ask;
    private final String topic;

    private InteropClient(JsonNode ask) {
        this.ask = ask;
        this.topic = ask.get("topic").asText();
    }

    public static void main(String[] args) throws Exception {
        InteropClient client = new InteropClient(JSON.readTree(args[0]));
        switch (client.ask.get("do").asText()) {
            case "produce" -> client.produce();
            case "consume" -> client.consume();
            case "seek" -> client.seek();
            case "member" -> client.member();
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static synchronized void say(Object event) {
        try {
            System.out.println(JSON.writeValueAsString(event));
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static String valueOf(JsonNode values, int i) {
        return values == null ? "value-" + i + "-" + "x".repeat(i % 100) : values.get(i % values.size()).asText();
    }

    private void produce() throws Exception {
        int partitions = ask.get("partitions").asInt();
        JsonNode values = ask.has("values") ? JSON.readTree(new File(ask.get("values").asText())) : null;
        int largest = values == null ? 1_048_576 : 32_000_000;
        long produced = 0;
        for (JsonNode run : ask.get("runs")) {
            Map<String, Object> config = Map.of(
                "bootstrap.servers", ask.get("bootstrap").asText(), "acks", "all", "enable.idempotence", true, "linger.ms", 5,
                "compression.type", run.get("codec").asText(), "max.request.size", largest, "buffer.memory", 67_108_864L,
                "key.serializer", StringSerializer.class, "value.serializer", StringSerializer.class);
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(config)) {
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                int end = run.get("first").asInt() + run.get("count").asInt();
                for (int i = run.get("first").asInt(); i < end; i++) {
                    ProducerRecord<String, String> record = new ProducerRecord<>(
                        topic, i % partitions, ask.get("startTime").asLong() + i, "key-" + i, valueOf(values, i));
                    if (i % 10 == 0) record.headers().add("n", Integer.toString(i).getBytes(StandardCharsets.UTF_8));
                    sent.add(producer.send(record));
                }
                for (Future<RecordMetadata> acknowledged : sent) acknowledged.get();
                produced += sent.size();
            }
        }
        say(Map.of("produced", produced));
    }

    private KafkaConsumer<String, String> consumer(Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(more);
        config.put("bootstrap.servers", ask.get("bootstrap").asText());
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "earliest");
        config.put("key.deserializer", StringDeserializer.class);
        config.put("value.deserializer", StringDeserializer.class);
        return new KafkaConsumer<>(config);
    }

    private List<TopicPartition> partitions() {
        return IntStream.range(0, ask.get("partitions").asInt()).mapToObj(p -> new TopicPartition(topic, p)).toList();
    }

    private void consume() throws Exception {
        Map<Integer, MessageDigest> digests = new TreeMap<>();
        Map<Integer, Long> counts = new TreeMap<>();
        try (KafkaConsumer<String, String> consumer = consumer(Map.of())) {
            consumer.assign(partitions());
            consumer.seekToBeginning(partitions());
            for (TopicPartition partition : partitions()) {
                digests.put(partition.partition(), MessageDigest.getInstance("SHA-256"));
                counts.put(partition.partition(), 0L);
            }
            for (long left = ask.get("count").asLong(); left > 0; ) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
                    var n = record.headers().lastHeader("n");
                    String header = n == null ? "-" : new String(n.value(), StandardCharsets.UTF_8);
                    String line = record.offset() + " " + record.timestamp() + " " + record.key() + " " + record.value() + " " + header + "\n";
                    digests.get(record.partition()).update(line.getBytes(StandardCharsets.UTF_8));
                    counts.merge(record.partition(), 1L, Long::sum);
                    left--;
                }
            }
        }
        Map<Integer, Object> found = new TreeMap<>();
        counts.forEach((partition, count) -> found.put(partition, Map.of("count", count, "digest", HexFormat.of().formatHex(digests.get(partition).digest()))));
        say(Map.of("partitions", found));
    }

    private void seek() {
        Map<Integer, Object> found = new TreeMap<>();
        try (KafkaConsumer<String, String> consumer = consumer(Map.of())) {
            consumer.assign(partitions());
            Map<TopicPartition, Long> times = new HashMap<>();
            partitions().forEach(partition -> times.put(partition, ask.get("time").asLong()));
            consumer.offsetsForTimes(times).forEach((partition, at) -> consumer.seek(partition, at.offset()));
            while (found.size() < partitions().size()) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
                    found.putIfAbsent(record.partition(), Map.of("offset", record.offset(), "timestamp", record.timestamp(), "key", record.key()));
                }
            }
        }
        say(Map.of("found", found));
    }

    private void member() {
        Thread reader = new Thread(() -> {
            Scanner input = new Scanner(System.in);
            while (input.hasNextLine() && !input.nextLine().equals("leave")) { }
            leaving = true;
        });
        reader.setDaemon(true);
        reader.start();

        try (KafkaConsumer<String, String> consumer = consumer(Map.of("group.id", ask.get("group").asText()))) {
            Set<Integer> held = new TreeSet<>();
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override public void onPartitionsAssigned(Collection<TopicPartition> added) {
                    added.forEach(partition -> held.add(partition.partition()));
                    say(Map.of("assigned", held));
                }
                @Override public void onPartitionsRevoked(Collection<TopicPartition> gone) {
                    gone.forEach(partition -> held.remove(partition.partition()));
                    say(Map.of("assigned", held));
                }
            });
            while (!leaving) {
                List<long[]> records = new ArrayList<>();
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) records.add(new long[] {record.partition(), record.offset()});
                if (records.isEmpty()) continue;
                consumer.commitSync();
                say(Map.of("records", records));
            }
        }
        say(Map.of("left", true));
    }

    private static volatile boolean leaving;
}
