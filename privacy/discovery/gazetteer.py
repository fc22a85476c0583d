"""Hand-written lists of public facts: family names, administrative names, given names. No list of people, no copied data set.

A listed word is a hint, never a proof: it needs a trigger, a neighbour or a shape beside it.
"""

SURNAMES = frozenset(
    "".join(
        """
    赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗
    毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐
    邱骆高夏蔡田樊胡凌霍虞万支柯昝管卢莫房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁荀羊甄曲封芮储靳汲邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓
    蓬全郗班仰秋仲伊宫宁仇栾暴甘厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍璩桑桂濮
    牛寿通边扈燕冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东欧殳沃利蔚越夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空
    曾沙乜养鞠须丰巢关蒯相查后荆红游竺权逯盖益桓公闫肖代付冼区苟覃涂庹佟兰岳趙錢孫鄭馮陳衛蔣韓楊許呂張嚴華謝鄒蘇魯馬鳳湯羅畢鄔樂時齊顧黃蕭龐紀項賈婁顏鐘駱
    萬盧應單陸榮劉葉喬聞譚溫莊閻連聶簡饒關興龍賴鍾雲鄧鄺龔
    """.split()
    )
)
COMPOUND_SURNAMES = frozenset(
    """
    欧阳 上官 司马 诸葛 夏侯 皇甫 尉迟 公孙 慕容 令狐 司徒 司空 端木 东方 西门 南宫 独孤 长孙 宇文 轩辕 百里 呼延 东郭 公羊 澹台 濮阳 淳于 单于 太史 申屠
    钟离 闾丘 宗政 赫连 万俟 闻人 鲜于 拓跋 完颜 第五 纳兰 歐陽 司馬 諸葛 東方 獨孤 長孫 軒轅
    """.split()
)
# The family names of nine in ten people, less those that are often another word: trusted beside a form of address or a verb of speech.
COMMON_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范廖贾夏韦付方邹孟熊秦邱江尹薛闫段雷"
    "侯龙史陶黎贺顾毛郝龚邵钱严覃武戴莫孔汤樊葛邢齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关焦俞左柳甘祝舒阮柯纪梅童凌毕单季裴霍涂盛翁骆蓝靳管柴蒙鲍喻屈饶牟艾"
    "尤穆司卓古吉缪简车褚娄窦戚岑费冷晏席柏宗瞿佟臧闵苟邬桑甄虞高金石白万康温常文安米洪"
    "張劉陳楊黃趙吳孫馬鄭謝許韓馮鄧蕭葉蘇魏呂盧鐘譚陸賈韋鄒閻龍顧龔錢嚴湯龐顏莊魯岳歐關紀畢單駱藍賴簡"
)
# Surnames that are far more often a word: alone they do not start a name inside running text.
AMBIGUOUS_SURNAMES = frozenset(
    "".join(
        """
    和于向时都从高安水明成平常乐通连全为能别国文那东后相公师关益满利广单应解计万支干查须空居步越终容鱼农边充古易花云强路管宁牛羊谷山井松富白双夏秋经红方金
    石车温冷简党权幸印田有是年
    """.split()
    )
)
PROVINCES = tuple(
    """
    北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾 内蒙古 广西
    西藏 宁夏 新疆 香港 澳门 重慶 遼寧 黑龍江 江蘇 廣東 貴州 雲南 陝西 甘肅 臺灣 台灣 內蒙古 廣西 寧夏 澳門
    """.split()
)
# Prefecture-level cities and the better-known districts of Hong Kong.
CITIES = tuple(
    """
    石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水 太原 大同 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁 呼和浩特 包头 乌海 赤峰 通辽
    鄂尔多斯 呼伦贝尔 巴彦淖尔 乌兰察布 兴安 锡林郭勒 阿拉善 沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 朝阳 葫芦岛 长春 四平 辽源 通化
    白山 松原 白城 延边 哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 伊春 佳木斯 七台河 牡丹江 黑河 绥化 大兴安岭 南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城
    扬州 镇江 泰州 宿迁 昆山 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水 义乌 合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆 黄山 滁州 阜阳 宿州
    六安 亳州 池州 宣城 福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德 南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶 济南 青岛 淄博 枣庄 东营
    烟台 潍坊 济宁 泰安 威海 日照 临沂 德州 聊城 滨州 菏泽 郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 漯河 三门峡 南阳 商丘 信阳 周口 驻马店 济源
    武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州 恩施 仙桃 潜江 天门 神农架 长沙 株洲 湘潭 衡阳 邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化
    娄底 湘西 广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 清远 东莞 中山 潮州 揭阳 云浮 南宁 柳州 桂林 梧州 北海 防城港
    钦州 贵港 玉林 百色 贺州 河池 来宾 崇左 海口 三亚 三沙 儋州 成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 广安 达州 雅安 巴中
    资阳 阿坝 甘孜 凉山 贵阳 六盘水 遵义 安顺 毕节 铜仁 黔西南 黔东南 黔南 昆明 曲靖 玉溪 保山 昭通 丽江 普洱 临沧 楚雄 红河 文山 西双版纳 大理 德宏 怒江
    迪庆 拉萨 日喀则 昌都 林芝 山南 那曲 阿里 西安 铜川 宝鸡 咸阳 渭南 延安 汉中 榆林 安康 商洛 兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西
    陇南 临夏 甘南 西宁 海东 海北 黄南 海南州 果洛 玉树 海西 银川 石嘴山 吴忠 固原 中卫 乌鲁木齐 克拉玛依 吐鲁番 哈密 昌吉 博尔塔拉 巴音郭楞 阿克苏 喀什
    和田 伊犁 塔城 阿勒泰 石河子 台北 新北 桃园 台中 台南 高雄 基隆 新竹 嘉义 臺北 桃園 臺中 臺南 嘉義 九龙 九龍 新界 深水埗 沙田 荃湾 屯门
    """.split()
)
# Common given names of many languages, romanised ones included; only names that are rarely an ordinary English word.
GIVEN_NAMES = frozenset(
    """
    aaron abby abdul abdullah abigail abraham ada adam adele adrian adriana agnes ahmad ahmed aisha alain alan albert alberto alejandra alejandro
    alessandro alex alexander alexandra alexis alfred ali alice alicia alina alison allison alma alvaro alyssa amanda amelia amir amy ana anders andre
    andrea andreas andrei andrew andy angela angelica angelo anita anja ann anna anne annette annie anthony antoine anton antonia antonio anya arjun
    armando arnold arthur arturo asha ashley astrid audrey augusto aurora axel barbara barry beata beatrice beatriz ben benedict benjamin bernard bernd
    beth bettina betty beverly bianca birgit bjorn bogdan boris brandon brenda brendan brent brett brian bridget britta bruce bruno bryan caitlin callum
    camila camille carl carla carlo carlos carmen carol caroline carolyn carrie carsten catalina catherine cathy cecilia celia celine cesar
    charles charlie charlotte chen cheryl chiara chloe chris christian christiane christina christine christophe christopher claire clara clarence claude
    claudia claudio clemens clifford clint connie constance corey cornelia craig cristian cristina crystal curtis cynthia dale damian damien dan dana
    daniel daniela daniele danielle danny daphne daria darren dave david deborah debra denis denise dennis derek diana diane diego dieter dimitri dina
    dmitri dmitry dominic dominik dominique donald donna dora doris dorothy douglas duncan dylan eddie edgar edith edmund eduard eduardo edward edwin
    eileen elaine eleanor elena eleni elias elif elisa elisabeth elise eliza elizabeth ella ellen elliott elsa elvira emil emilia emilie emilio emily emma
    emmanuel enrico enrique eric erica erik erika erin ernest ernesto esteban esther ethan eugene eva evan evelyn ewa fabian fabio fatima federico felicia
    felipe felix ferdinand fernanda fernando fiona florian frances francesca francesco francis francisco francois frank franz fred frederic
    frederick frederik friedrich gabriel gabriela gabriele gabrielle gary gavin gemma geoffrey george georgina gerald gerard gerhard gertrude
    gianluca gilbert gina giorgio giovanna giovanni giulia giuseppe gladys glenn gloria gonzalo gordon graham greg gregor gregory greta guido guillaume
    guillermo gunnar gustav gustavo guy hana hannah hannes hans harald harold harriet harry harvey hassan hazel heather hector heidi heike heinrich heinz
    helen helena helga helmut henri henrik henrique henry herbert herman hermann hilda hiroshi holly horst howard huang hugh hugo hussein ian ibrahim ida
    igor ilona ilse imran ines inga ingrid irena irene irina iris irma isaac isabel isabella isabelle ismail ivan ivana ivo jack jackie jackson jacob
    jacqueline jacques jaime jake jakob jakub james jamie jan jana jane janet janice janina jared jarmila jaroslav jasmine jason javier jean jeanne jeff
    jeffrey jenna jennifer jenny jens jeremy jerome jerry jesper jesse jessica jessie jesus jill jim jimmy joan joana joanna joanne joao joaquin joe joel
    johan johann johanna johannes john johnny jonas jonathan jorg jorge jose josef josefa joseph josephine joshua joyce juan juana juanita judith
    judy julia julian juliana julie juliet julieta julio julius jurgen justin justyna kamil karel karen karim karin karina karl karla karolina katarina
    katarzyna kate katharina katherine kathleen kathryn kathy katie katja katrin katrina kayla keith kelly ken kenji kenneth kerry kevin khalid kim
    kimberly kirsten klaus konrad krishna kristen kristian kristin kristina kristine krzysztof kurt kyle lara larry lars laszlo laura lauren laurence
    laurent lea leah lee lena leo leon leonard leonardo leroy leslie lewis li liam lida lidia lillian linda lisa liu liv lloyd lois lorenzo lori lorraine
    louis louise luca lucas lucia lucie lucy ludwig luigi luis luisa lukas luke lydia lynn madeleine magdalena maggie mai maja malcolm manfred
    manuel manuela marc marcel marcela marcello marcia marcin marco marcos marcus margaret margarita maria mariam marian mariana marianne marie marilyn
    marina mario marion marisa marta martha martin martina marvin mary masha mateo mateusz matilda mats matteo matthew matthias maureen maurice mauricio
    maurizio max maxim maximilian maya megan mehmet mei melanie melissa mercedes michael michal michel michele michelle miguel mihai mikael mike mikhail
    milan milena milos miranda miriam mirko mitchell mohamed mohammad mohammed moira molly monica monika monique morgan morten muhammad mustafa nadia
    nadine nancy naomi natalia natalie natasha nathan neil nelson nicholas nick nicola nicolas nicole niels nigel niklas nikola nikolai nikolaus nils nina
    noah noel noemi nora norbert norma norman nuno olaf ole oleg olga oliver olivia olivier omar oscar oskar osman otto owen pablo paige pamela paola
    paolo pascal patricia patricio patrick patrik paul paula pauline paulo pavel pawel pedro peggy penelope per petar pete peter petr petra philip philipp
    philippe phillip phyllis pierre pilar piotr priya rachel rafael rainer rajesh ralf ralph ramon randy raphael raquel rasmus raul ravi raymond rebecca
    regina reinhard renata renate rene ricardo richard rick ricky rita robert roberta roberto robin rocio rodney rodrigo roger roland rolf romain roman
    ron ronald rosa rosalind rosario rosemary ross roxanne roy ruben rudolf rupert russell ruth ryan sabina sabine sabrina sally salvador salvatore sam
    samantha samir samuel sandra sanjay sara sarah sasha saskia scott sean sebastian serena serge sergei sergey sergio shane shannon sharon shaun sheila
    shelley shirley sibylle sigrid silke silvia simon simona simone sofia sofie soledad sonia sonja sophia sophie soren stacey stacy stanislav stanley
    stefan stefania stefanie stefano stella stephan stephane stephanie stephen steve steven stuart sue sunita susan susana susanna susanne suzanne svein
    sven svetlana sylvia sylvie takeshi tamara tania tanja tanya tara tatiana ted teodor terence teresa terry thelma theo theodor theodore theresa therese
    thierry thomas tiffany tim timo timothy tina tobias todd tom tomas tomasz tommy toni tony tracey tracy travis trevor tyler ulrich ulrike ursula uwe
    valentina valeria valerie vanessa vera veronica veronika victor victoria viktor viktoria vincent vincenzo vivian vladimir wagner walter wanda
    wang wayne wei wendy werner wilhelm willem william wojciech wolfgang xavier xiaohong xiaoming xu yan yang yolanda yuki yuri yusuf yvonne zachary zhang
    zhao zhou zoe zofia zoltan zuzana
    """.split()
)
